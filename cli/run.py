"""`runbooks run`: start a deployed runbook on the team's Prefect server, and follow it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from cli.screen import Screen
from deployments import runs, server
from deployments.server import Server
from ops import errors, secrets
from ops.evidence import Evidence
from ops.verdict import Verdict


def run(runbook: str, settings: Sequence[str]) -> int:
    """Start `runbook` or `runbook/deployment` and follow it to its end, or to where it waits.

    0: completed, or it waits for somebody; 1: failed; 2: rejected or refused; 3: it broke or nobody answers.
    """
    reached = server.reached()
    name, given = chosen(reached, runbook, parameters(settings))
    try:
        started = runs.trigger(reached, name, given)
    except (ObjectNotFound, PrefectHTTPStatusError) as error:
        raise errors.Refused(f"{name} was not started: {secrets.redact(str(error))}") from None
    print(f"Waiting for a worker to take the run {reached.run_page(started.id)}\n", flush=True)
    screen = Screen(telling=True)
    for seen in runs.follow(reached, started.id):
        if isinstance(seen, FlowRun):
            return _ended(reached, seen)
        if seen.ok is not None:
            screen.finished(seen.title, Evidence(ok=seen.ok, summary=seen.summary), seen.seconds)
    return Verdict.UNAVAILABLE.exit_code


def chosen(
    reached: Server, runbook: str, given: Mapping[str, str], *, needs: Sequence[str] = ()
) -> tuple[str, dict[str, Any]]:
    """Return the full name of the one deployment that is meant, and its parameters as they are typed.

    Raises:
        Refused: none or several are meant, it has no such parameter, or none of those that it `needs`.
    """
    with reached.client() as client:
        flows = {flow.id: flow.name for flow in client.read_flows()}
        deployed = {f"{flows.get(found.flow_id)}/{found.name}": found for found in client.read_deployments()}
    names = sorted(deployed)
    meant = [name for name in names if runbook in (name, name.partition("/")[0])]
    if len(meant) != 1:
        raise errors.Refused(
            f"{runbook!r} is {'none' if not meant else 'several'} of the deployed runbooks: "
            f"{', '.join(names) or 'nothing is deployed'}. Name one of them."
        )
    known = (deployed[meant[0]].parameter_openapi_schema or {}).get("properties", {})
    for name in (*given, *needs):
        if name not in known:
            raise errors.Refused(f"{meant[0]} has no parameter {name!r}; it has {', '.join(known)}.")
    return meant[0], {name: typed(value, known[name]) for name, value in given.items()}


def parameters(settings: Sequence[str]) -> dict[str, str]:
    """Return what `--set NAME=VALUE` has set.

    Raises:
        Refused: one of them sets nothing.
    """
    found: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise errors.Refused(f"{setting!r} sets nothing: say NAME=VALUE.")
        found[name] = value
    return found


def typed(value: str, schema: Mapping[str, Any]) -> Any:
    """Return a value as its parameter takes it: a text stays one, whatever it looks like; the rest may be JSON."""
    if schema.get("type") == "string":
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def exit_code(run: FlowRun) -> int:
    """Return the exit code of a run that has ended, or that waits for somebody."""
    state = run.state
    if state is None:
        return Verdict.UNAVAILABLE.exit_code
    if state.is_paused() or state.is_completed():
        return Verdict.PASSED.exit_code
    if state.is_cancelled():
        return Verdict.REFUSED.exit_code
    return (Verdict.FAILED if state.is_failed() else Verdict.UNAVAILABLE).exit_code


def _ended(reached: Server, run: FlowRun) -> int:
    state = run.state
    if state and state.is_paused():
        print(f"\nThe run waits for somebody: runbooks approvals, or {reached.run_page(run.id)}")
    elif state:
        print(f"\n{state.name}: {secrets.redact(state.message or '')}\n{reached.run_page(run.id)}")
    return exit_code(run)
