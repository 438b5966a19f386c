"""`runbooks approvals`, `request`, `approve`, `reject`, `break-glass`, `acknowledge`: who decides, in a terminal."""

from __future__ import annotations

import textwrap

import rich.prompt

from ops import errors, secrets


def approvals() -> int:
    """Show which runs wait, and what each asks."""
    from deployments import waiting

    found = waiting.find()
    for one in found:
        print(f"{str(one.run)[:8]}  {one.name}")
        print(
            textwrap.indent(
                secrets.redact(one.question.replace("**", "").replace("\n\n", "\n")), "          "
            )
        )
        print(f"          {one.page}\n")
    print(f"{len(found)} {'run waits' if len(found) == 1 else 'runs wait'} for an answer.")
    return 0


def request(run: str, name: str, code: str, note: str) -> int:
    """Prove who asks for a run's plan."""
    return _answer(run, {"requester": name, "note": note}, code=code)


def decide(run: str, decision: str, name: str, code: str, note: str) -> int:
    """Approve or reject a run's plan, or break the glass."""
    return _answer(run, {"decision": decision, "approver": name, "note": note}, code=code)


def acknowledge(run: str, name: str, note: str) -> int:
    """Say that somebody looks after a run."""
    from deployments import looking_after

    print(looking_after.acknowledge(run, name=name, note=note))
    return 0


def _answer(run: str, said: dict[str, str], *, code: str) -> int:
    from deployments import waiting

    found = waiting.of(run)
    fits = "requester" in said if "requester" in found.fields else "decision" in said
    if not fits:
        wanted = "request" if "requester" in found.fields else "approve or reject"
        raise errors.Refused(
            f"{found.name} does not ask that now. Answer it with: runbooks {wanted} {run} --as NAME"
        )
    if "code" in found.fields:
        said = {**said, "code": _code(code)}
    waiting.answer(found, said)
    print(f"Given. The run judges it as soon as its worker takes it up: {found.page}")
    return 0


def _code(reference: str) -> str:
    """Return the one-time code: typed in, unless a secret holds it."""
    if reference:
        return secrets.open_secret(reference)
    return rich.prompt.Prompt.ask("The code that your authenticator shows now", password=True)
