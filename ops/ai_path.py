"""The AI path, and the app's health: deploy-gate.md, failure handling 3 ("app still saves logs even when AI fails")."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from ops import app_settings, commands, config_lines
from ops.deploy_gated import Gated

_TIMEOUT = timedelta(minutes=2)
_ANSWERS_WITHIN = timedelta(seconds=15)
_WRONG_KEY = "runbooks-smoke-not-a-key"


@dataclass
class AiPath:
    """What is known of the path; what was not checked is a finding and never a success."""

    said: str = ""
    problems: list[str] = field(default_factory=list[str])
    findings: list[str] = field(default_factory=list[str])
    next_steps: list[str] = field(default_factory=list[str])


def check(gate: Gated) -> AiPath:
    """Look whether the AI's key is there by name, and whether a log is stored though the AI call fails.

    The configured command runs with a key that no provider takes; the configured URL is asked once.

    Raises:
        Refused: the configured command is not there.
    """
    found = AiPath()
    said = [_key(gate, found), *_stored(gate, found), *_health(gate, found)]
    found.said = "; ".join(part for part in said if part)
    return found


def stores(gate: Gated) -> bool:
    """Whether the check of the path makes the app store something."""
    return bool(gate.plan.project.deploy.ai_check or gate.plan.environment.ai_url)


def _key(gate: Gated, found: AiPath) -> str:
    project = gate.plan.project
    name = project.deploy.ai_key
    if name is None:
        found.findings.append("The AI path is not checked: [deploy] names no ai_key.")
        return "the AI path is not checked"
    if app_settings.find(name, project.root):
        return f"{name} is there"
    found.problems.append(
        f"{name} is in neither the environment nor {app_settings.FILE}, so AI responses fail."
    )
    found.next_steps.append(
        f"Confirm {name} in the app's secrets, and that the app still saves logs without AI."
    )
    return ""


def _stored(gate: Gated, found: AiPath) -> list[str]:
    deploy, url = gate.plan.project.deploy, gate.plan.environment.ai_url
    said: list[str] = []
    if deploy.ai_check:
        given = {deploy.ai_key: _WRONG_KEY} if deploy.ai_key else {}
        ended = commands.run(
            deploy.ai_check,
            cwd=gate.plan.project.root,
            timeout=_TIMEOUT,
            key=f"[deploy] ai_check ({config_lines.place(gate.plan.project.root, 'deploy', 'ai_check')})",
            variables=given,
            hidden=gate.plan.project.private_variables,
        )
        if gate.bundle:
            gate.bundle.write_text("ai_check.log", f"$ {ended.command}\n{ended.output}\n{ended.said}\n")
        said.append(_judged(found, ended.ok, f"`{ended.command}` {ended.said}: {ended.last_line}"))
    if url:
        holds, answer = answers(url)
        said.append(_judged(found, holds, f"the app's answer is {answer}"))
    if not said and deploy.ai_key:
        found.findings.append(
            "Whether a log is stored when the AI call fails is not checked: name a command that tries it in [deploy] "
            "ai_check, or a URL of the app in ai_url of the environment."
        )
        return ["whether a log is stored when the AI call fails is not checked"]
    return said


def _judged(found: AiPath, holds: bool, said: str) -> str:
    if holds:
        return "a log is stored when the AI call fails"
    found.problems.append(f"A log is not stored when the AI call fails: {said}.")
    found.next_steps.append(
        "Mend the app so that it saves the log before, or whatever becomes of, the AI call."
    )
    return ""


def _health(gate: Gated, found: AiPath) -> list[str]:
    url = gate.plan.environment.health_url
    if not url:
        return []
    holds, answer = answers(url)
    if holds:
        return ["the app is healthy"]
    found.problems.append(f"The app does not say that it is healthy: {answer}.")
    found.next_steps.append(
        "If the app fails to load: check DATABASE_URL, then DATASTORE, and run --only schema."
    )
    return []


def answers(url: str) -> tuple[bool, str]:
    """Ask a URL of the app; return whether it answers with 2xx, and what it answers."""
    try:
        answer = httpx.get(url, timeout=_ANSWERS_WITHIN.total_seconds(), follow_redirects=True)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return False, f"none ({type(error).__name__})"
    return answer.is_success, f"{answer.status_code} {answer.reason_phrase}"
