"""The release gates: queries, and what each must return where a release is in place.

Source: phase2-rollout-and-eval.md, "Release Gates", 0.3 and 1.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from ops import database, errors, expected, read_only, secrets, sources, triage
from ops.evidence import Evidence
from ops.project import Project
from ops.read_only import Answer
from ops.release_settings import ReleaseGate

TIMEOUT = timedelta(seconds=30)
_LONGEST = 300
_MOST_SHOWN = 10


class ReleaseGates(Evidence):
    """What the gates of an environment returned; `wrong` names those that do not hold, `elsewhere` those not asked."""

    asked: int = 0
    wrong: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()


def ask(
    connection: database.Connection,
    gates: Sequence[ReleaseGate],
    *,
    environment: str,
    root: Path,
    timeout: timedelta = TIMEOUT,
) -> ReleaseGates:
    """Ask each gate of an environment what it asks, and judge the answer; nothing is written.

    `timeout` is each query's. One that cannot be asked is wrong, and the others are asked all the same.

    Raises:
        Unavailable: the connection is lost.
    """
    here = [gate for gate in gates if not gate.environments or environment in gate.environments]
    elsewhere = tuple(gate.name for gate in gates if gate not in here)
    if not here:
        said = f"No release gate is configured for {environment}, so no query proves what was released there."
        return ReleaseGates(ok=True, idle=True, summary=said, elsewhere=elsewhere)
    with read_only.looking(connection, timeout=timeout):
        rows = [_asked(connection, gate, root) for gate in here]
    wrong = tuple(row["gate"] for row in rows if not row["ok"])
    return ReleaseGates(
        ok=not wrong,
        summary=_summary(environment, rows),
        rows=tuple(rows),
        asked=len(rows),
        wrong=wrong,
        elsewhere=elsewhere,
    )


def check(operated: Project) -> Evidence:
    """Say of each gate whether it can be asked at all, before anything is released; reads files only."""
    known = set(operated.environments)
    rows = [
        {"gate": gate.name, "where": ", ".join(gate.environments) or "everywhere", "problem": problem}
        for gate in operated.release.gates
        for problem in (_problem(gate, operated.root, known),)
    ]
    wrong = [row for row in rows if row["problem"]]
    if wrong:
        first = f"{wrong[0]['gate']!r}: {wrong[0]['problem']}"
        counted = triage.counted(len(wrong), "release gate")
        said = f"{counted} cannot be asked, so nothing is released. The first is {first}"
        return Evidence(ok=False, summary=said, rows=tuple(rows))
    said = f"{triage.counted(len(rows), 'release gate')} can be asked."
    return Evidence(ok=True, idle=not rows, summary=said, rows=tuple(rows))


def _asked(connection: database.Connection, gate: ReleaseGate, root: Path) -> dict[str, Any]:
    try:
        answer = read_only.ask(connection, _query(gate, root))
    except (errors.Refused, errors.CheckFailed) as error:
        return _row(gate, str(error), ok=False)
    wrong = list(expected.wrongs(gate, answer))
    return _row(gate, "; ".join(filter(None, (*wrong, _shown(answer)))), ok=not wrong)


def _row(gate: ReleaseGate, found: str, *, ok: bool) -> dict[str, Any]:
    said = {"gate": gate.name, "expected": expected.wanted(gate), "found": found}
    return {**{key: _bounded(secrets.redact(text)) for key, text in said.items()}, "ok": ok}


def _query(gate: ReleaseGate, root: Path) -> str:
    if gate.query:
        return read_only.single(gate.query, what="The query")
    path = root / (gate.file or "")
    if not path.exists() and not path.is_symlink():
        raise errors.Refused(
            f"There is no file {gate.file}, so nothing is asked. Write it, or mend the gate."
        )
    source = sources.read(path, root)
    if source.problem:
        raise errors.Refused(source.problem)
    return read_only.single(source.text, what=source.file)


def _problem(gate: ReleaseGate, root: Path, known: set[str]) -> str:
    unknown = [name for name in gate.environments if name not in known]
    if unknown:
        named = ", ".join(sorted(known)) or "none"
        return f"it names the environment {unknown[0]!r}, which there is not; there is {named}."
    try:
        _query(gate, root)
    except errors.Refused as error:
        return secrets.redact(str(error))
    return ""


def _summary(environment: str, rows: Sequence[dict[str, Any]]) -> str:
    wrong = [row for row in rows if not row["ok"]]
    if not wrong:
        hold = "holds" if len(rows) == 1 else "hold"
        return f"{triage.counted(len(rows), 'release gate')} {hold} on {environment}."
    first = wrong[0]
    return (
        f"{len(wrong)} of {triage.counted(len(rows), 'release gate')} on {environment} "
        f"{'is' if len(wrong) == 1 else 'are'} wrong, so the release is not what it must be. The first is "
        f"{first['gate']!r}: expected {first['expected']}; found {first['found']}. "
        "Look at the rows, and mend it or roll back."
    )


def _shown(answer: Answer) -> str:
    lines = [
        ", ".join(
            f"{name} = {expected.shown(value)}" for name, value in zip(answer.columns, row, strict=True)
        )
        for row in answer.rows[:_MOST_SHOWN]
    ]
    more = len(answer.rows) - len(lines)
    return "; ".join((*lines, *([f"and {more:,} more"] if more > 0 else [])))


def _bounded(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
