"""The app taken back to its own local data store: deploy-gate.md, "Rollback Procedure".

A person does it where the app runs; this says what to do, verifies that the app works, and records when and why.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ops import ai_path, commands, deploy_plan, deploys, errors
from ops.app_rollback_choices import AppRollbackChoices
from ops.bundle import Bundle
from ops.deploy_choices import GateChoices, Part, Phase
from ops.deploy_gated import Gated
from ops.deploy_plan import GatePlan
from ops.deploy_verdict import Checklist, Found
from ops.evidence import Evidence
from ops.project import Environment, Project

_TIMEOUT = timedelta(minutes=5)
RESULT = "app-rollback.json"
_NOT_LOOKED_AT = Found(ok=False, checked=False, summary="not looked at")


class RollbackPlan(Evidence):
    """What a person is guided through, of which deploy and why."""

    gate: GatePlan
    reason: str
    at: datetime | None
    to: str = ""
    app_version: str = ""
    steps: tuple[str, ...]


class AppRollback(Evidence):
    """How a rollback of the app ended; `verified` says by what it was seen to work, if by anything."""

    project: str
    environment: str
    deploy: str
    reason: str
    rolled_back_at: datetime | None
    guided: Checklist
    verified: str
    recorded: bool
    findings: tuple[str, ...] = ()
    error: str | None = None
    bundle: str | None = None


class RollingBack(Gated):
    """A rollback while it runs."""

    def __init__(self, plan: RollbackPlan, run: str) -> None:
        super().__init__(plan.gate, run)
        self.rollback = plan
        self.guided = Checklist(status="not asked")
        self.verified: Found | None = None


def plan(
    path: str,
    environment: str,
    deploy: str,
    reason: str,
    choices: AppRollbackChoices = AppRollbackChoices(),
) -> RollbackPlan:
    """Say what a rollback of the app is, to its local data store or to a previous deployment; reads files only.

    Raises:
        Refused: the project, the environment, the id or the time has a mistake, or no reason is given.
    """
    if not reason.strip():
        raise errors.Refused(
            "A rollback is recorded with its reason, and none is given, so nothing was started. Say why with --reason."
        )
    chosen = GateChoices(only=(Part.SMOKE,), deployed_at=choices.at)
    if not deploy:
        raise errors.Refused(
            "A rollback is recorded under a deploy's id, and none is given. Name it with --deploy."
        )
    gate = deploy_plan.plan(path, environment, Phase.POST, deploy, chosen)
    steps = _to_deployment(choices.to, choices.app_version) if choices.to else _to_data_store(gate)
    return RollbackPlan(
        ok=True,
        summary=f"{gate.project.name} on {gate.environment.name}: to take the app back from {deploy}: {reason}",
        rows=tuple({"step": number, "do": step} for number, step in enumerate(steps, 1)),
        gate=gate,
        reason=reason,
        at=gate.deployed_at,
        to=choices.to,
        app_version=choices.app_version,
        steps=steps,
    )


def _to_data_store(gate: GatePlan) -> tuple[str, ...]:
    """Source: deploy-gate.md, "Rollback Procedure"."""
    name = gate.project.deploy.datastore or "DATASTORE"
    return (
        f"Set {name}=sqlite in the app's secrets.",
        "Restart the app.",
        "Verify that the app boots and can create logs locally.",
    )


def _to_deployment(to: str, app_version: str) -> tuple[str, ...]:
    """Source: database-pipeline.md, "Application Rollback (Preferred)"."""
    version = (
        f"Set APP_SCHEMA_VERSION={app_version} for it, so that its schema guard fits the database."
        if app_version
        else "Set APP_SCHEMA_VERSION for it, if its schema guard says that it does not fit the database."
    )
    return (
        "Open the dashboard of the app's hosting.",
        f"Select the successful deployment {to}, and redeploy it.",
        version,
        "Verify that the app starts with its schema guard, and works.",
    )


def record_guidance(rolling: RollingBack) -> Evidence:
    """Record what a person said about the steps of the rollback."""
    said = f": {rolling.guided.said}" if rolling.guided.said else ""
    return Evidence(
        ok=rolling.guided.status != "rejected",
        summary=f"The steps of the rollback are {rolling.guided.status}{said}.",
        rows=tuple({"step": step, "status": rolling.guided.status} for step in rolling.rollback.steps),
    )


def verify(rolling: RollingBack) -> Found:
    """See by the configured command or health URL whether the app works; a command that is not there says nothing."""
    where = rolling.plan.environment
    try:
        found = _asked(where, rolling.plan.project, rolling.bundle)
    except errors.Refused as error:
        # The app is rolled back by now, and that must be recorded.
        found = Found(ok=False, checked=False, summary=str(error))
    rolling.verified = found
    return found


def _asked(where: Environment, project: Project, bundle: Bundle | None) -> Found:
    command, url = where.app_command, where.health_url
    said: list[str] = []
    holds = True
    if command:
        ended = commands.run(
            command,
            cwd=project.root,
            timeout=_TIMEOUT,
            key="app_command of the environment",
            hidden=project.private_variables,
        )
        if bundle:
            bundle.write_text("app_command.log", f"$ {ended.command}\n{ended.output}\n{ended.said}\n")
        holds, said = ended.ok, [f"`{ended.command}` {ended.said}"]
    if url:
        healthy, answer = ai_path.answers(url)
        holds, said = holds and healthy, [*said, f"the app answers {answer}"]
    if not said:
        return Found(
            ok=False,
            checked=False,
            summary="Nothing says whether the app works: the environment has neither app_command nor health_url.",
            next_steps=(
                "Look yourself that the app boots and creates logs, and name health_url for the next time.",
            ),
        )
    steps = ("The app does not work after its rollback: look at its logs, and whether it was restarted.",)
    return Found(ok=holds, summary=f"{'; '.join(said)}.", next_steps=() if holds else steps)


def record(rolling: RollingBack) -> AppRollback:
    """Record when and why the app was rolled back, in the database where it can be reached, and beside the evidence.

    What nobody has confirmed is not recorded: then the deploy is still what runs.
    """
    verified = rolling.verified or _NOT_LOOKED_AT
    if rolling.guided.status != "confirmed":
        return _unconfirmed(rolling, verified)
    reason = rolling.rollback.reason
    at = rolling.rollback.at or datetime.now(UTC)
    said: dict[str, Any] = {
        "reason": reason,
        "to": rolling.rollback.to or "the local data store",
        "app_version": rolling.rollback.app_version,
        "guided": rolling.guided.model_dump(),
        "verified": verified.status,
        "found": verified.summary,
    }
    recorded, findings = _recorded(rolling, at, said)
    return _handed_off(
        rolling,
        verified,
        ok=verified.ok,
        summary=_summary(rolling, verified, at, recorded=recorded),
        rows=tuple({"what": name, "said": str(value)} for name, value in said.items()),
        rolled_back_at=at,
        recorded=recorded,
        findings=findings,
    )


def _unconfirmed(rolling: RollingBack, verified: Found) -> AppRollback:
    plan, guided = rolling.plan, rolling.guided
    why = f"its steps are {guided.status}{': ' if guided.said else ''}{guided.said.rstrip('.')}"
    return _handed_off(
        rolling,
        verified,
        ok=False,
        summary=f"{plan.project.name} on {plan.environment.name}: the rollback of {plan.deploy} is not recorded, since "
        f"{why}; verification {verified.status}: {verified.summary}",
        rolled_back_at=None,
        recorded=False,
        findings=(
            "Nobody has confirmed that the app was taken back, so its deploy counts as what runs. Run it again in a "
            "terminal, or from the Prefect UI, and confirm the steps.",
        ),
    )


def hand_off_broken(rolling: RollingBack, error: errors.OpsError) -> AppRollback:
    """Write what there is of a rollback that broke off, which is not recorded with the deploy as one."""
    plan = rolling.plan
    return _handed_off(
        rolling,
        rolling.verified or _NOT_LOOKED_AT,
        ok=False,
        summary=f"{plan.project.name} on {plan.environment.name}: the rollback of {plan.deploy} broke off and is not "
        f"recorded with the deploy ({rolling.rollback.reason}): {error}",
        rolled_back_at=None,
        recorded=False,
        error=str(error),
    )


def _handed_off(rolling: RollingBack, verified: Found, **facts: Any) -> AppRollback:
    plan = rolling.plan
    result = AppRollback(
        project=plan.project.name,
        environment=plan.environment.name,
        deploy=plan.deploy,
        reason=rolling.rollback.reason,
        guided=rolling.guided,
        verified=verified.status,
        bundle=str(rolling.bundle.path) if rolling.bundle else None,
        **facts,
    )
    if rolling.bundle:
        rolling.bundle.write_json(RESULT, result)
        rolling.bundle.seal()
    rolling.concluded = result
    return result


def _recorded(rolling: RollingBack, at: datetime, said: dict[str, Any]) -> tuple[bool, tuple[str, ...]]:
    plan = rolling.plan
    name, project = plan.environment.name, plan.project.name
    try:
        deploys.prepare(rolling.connection)
        deploys.record_rollback(rolling.connection, name, plan.deploy, project=project, at=at, rollback=said)
        deploys.write_mirror(rolling.connection, name, plan.deploy, root=plan.out)
    except errors.OpsError as error:
        # The database may be the very reason for the rollback: then the bundle is the record.
        return False, (
            f"The rollback is recorded in the evidence alone, since the database is out of reach: {error}",
        )
    return True, ()


def _summary(rolling: RollingBack, verified: Found, at: datetime, *, recorded: bool) -> str:
    plan = rolling.plan
    name = f"{plan.project.name} on {plan.environment.name}"
    where = "recorded" if recorded else "recorded in the evidence alone"
    seen = f"its steps are {rolling.guided.status}; verification {verified.status}: {verified.summary}"
    when = f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"{name}: the rollback of {plan.deploy} at {when} is {where} ({rolling.rollback.reason}); {seen}"
