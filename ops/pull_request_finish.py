"""The end of the gate: verdict, evidence bundle, and word to the pull request."""

from __future__ import annotations

import tomllib
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops import (
    conclusion,
    errors,
    handoff,
    plan,
    project,
    pull_request_base,
    pull_request_github,
    pull_request_note,
    secrets,
)
from ops.choices import PullRequestChoices
from ops.errors import OpsError
from ops.pull_request import Gating
from ops.pull_request_result import Branch, PullRequest
from ops.verdict import Base, Failure, Verdict

NOTE = "pull_request.md"


@contextmanager
def telling(path: Path, base: str, environment: str, choices: PullRequestChoices) -> Generator[None]:
    """Tell the pull request of what ends the block without a result, a defect of our own as well.

    Raises:
        OpsError: as the block raised it, with the result as its evidence.
        Unavailable: the block ended in a defect.
    """
    pull_request_github.learn_token(choices)
    try:
        yield
    except OpsError as error:
        if not isinstance(error.evidence, PullRequest):
            error.evidence = without_gate(path, base, environment, choices, error)
        raise
    except Exception as error:
        # Nothing was found out, so it neither holds nor is wrong; whoever waits for a verdict must learn that too.
        said = f"The gate ended in a defect of its own, {type(error).__name__}: {error}. Please report it."
        ended = errors.Unavailable(secrets.redact(said))
        ended.evidence = without_gate(path, base, environment, choices, ended)
        raise ended from error


def without_gate(
    path: Path, base: str, environment: str, choices: PullRequestChoices, error: OpsError
) -> PullRequest:
    """Return the result of a gate that has none of its own, and tell the pull request, where that is asked for."""
    message = secrets.redact(str(error))
    root = path.expanduser().resolve()
    found = PullRequest(
        ok=False,
        verdict=Verdict.of(error),
        summary=message,
        project=_name(root, base),
        environment=environment,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        base=Base(place=environment),
        error=Failure(message=message),
        branch=Branch(base=base, head=plan.commit(root)),
    )
    return found.model_copy(update={"findings": pull_request_github.tell(choices, found)})


def _name(root: Path, base: str) -> str:
    """Return the project's name, by which its comment and its status are found again, in spite of mistakes."""
    try:
        return project.load(root).name
    except OpsError:
        for text in _configurations(root, base):
            with suppress(ValueError, LookupError, TypeError):
                if name := str(tomllib.loads(text)["project"]["name"]):
                    return name
    return root.name


def _configurations(root: Path, base: str) -> Iterator[str]:
    with suppress(OSError):
        yield (root / project.CONFIG_NAME).read_text("utf-8", "replace")
    with suppress(OSError, OpsError):
        _, last = pull_request_base.commits(root, base)
        found = pull_request_base.entries(root, last, (project.CONFIG_NAME,))
        contents = pull_request_base.blobs(root, (entry.id for entry in found))
        yield from (text.decode("utf-8", "replace") for text in contents.values())


def hand_off(gating: Gating) -> PullRequest:
    """Conclude, write the evidence and seal it; tell the pull request, where that is asked for."""
    return _deposit(gating, _concluded(gating))


def hand_off_broken(gating: Gating, error: OpsError) -> PullRequest:
    """Write, seal and tell what there is when a step could not do its work."""
    ended = {
        "ok": False,
        "verdict": Verdict.of(error),
        "summary": str(error),
        "error": Failure(message=str(error)),
    }
    return _deposit(gating, _concluded(gating).model_copy(update=ended))


def _concluded(gating: Gating) -> PullRequest:
    late = {migration.file for migration in gating.late}
    gating.pending = (*gating.late, *(m for m in gating.pending if m.file not in late))
    found = conclusion.conclude(gating)
    facts: dict[str, Any] = dict(found)
    facts["findings"] = tuple(each for each in found.findings if each not in gating.blocking)
    return PullRequest(
        **facts,
        branch=gating.gate.branch,
        verification=gating.verification,
        drift=gating.drift,
    )


def _deposit(gating: Gating, found: PullRequest) -> PullRequest:
    bundle = gating.bundle
    if bundle is None:
        raise ValueError("a gate is handed off into a bundle")
    found = found.model_copy(update={"bundle": str(bundle.path)})
    told = pull_request_github.tell(gating.gate.choices, found)
    found = found.model_copy(update={"findings": (*found.findings, *told)})
    handoff.write(bundle, found, connectivity=gating.connectivity, before=gating.before, after=gating.after)
    bundle.write_text(NOTE, pull_request_note.markdown(found))
    bundle.seal()
    gating.concluded = found
    return found
