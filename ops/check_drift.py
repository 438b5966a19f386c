"""Whether the schema is still what was promoted last. Source: issue "The operator's day", weekly-checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from ops import comparison, frozen, queries, schema, spoken
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence
from ops.schema import Key
from ops.verdict import Difference

_SAID_ONE_BY_ONE = 20


class _There(BaseModel):
    recorded: bool


class _Promoted(BaseModel):
    plan: dict[str, Any]
    before: list[list[str]]
    expected: dict[str, list[list[Any]]]
    ended: datetime
    rolled_back: bool

    @property
    def schema_after(self) -> dict[Key, str]:
        """The schema that the promotion began on, with what its rehearsal said that each file changes."""
        after = dict(frozen.schema_of(self.before))
        for each in self.plan["files"]:
            delta = frozen.without_incomparable(frozen.delta_of(self.expected.get(each["file"], [])))
            after = dict(comparison.patched(after, delta))
        return after


@check("drift")
def check_drift(checking: Checking) -> Evidence:
    """Compare the schema with what the record of the last promotion says it was afterwards."""
    where = checking.plan.environment.name
    (there,) = checking.ask(queries.load("checks/promotions_there"), _There)
    promoted = (
        checking.ask(queries.load("checks/promoted"), _Promoted, {"environment": where})
        if there.recorded
        else []
    )
    if not promoted:
        return checking.idle(
            f"Nothing was ever promoted to {where}, so there is nothing from which it could drift."
        )
    last = promoted[0]
    at = spoken.moment(last.ended)
    if last.rolled_back:
        return checking.idle(
            f"Migrations were rolled back after the last promotion ({at}), so the schema is not what was promoted. The "
            "next promotion is the next to compare with."
        )
    with checking.reading() as connection:
        now = frozen.comparable(schema.snapshot(connection))
    found = comparison.compare(last.schema_after, now)
    return checking.found(
        _findings(found, last.ended),
        f"The schema is what was promoted at {at}: {len(now):,} objects and parts.",
    )


def _findings(found: Sequence[Difference], ended: datetime) -> Iterator[Finding]:
    for each in found[:_SAID_ONE_BY_ONE]:
        yield _drifted(f"{each.kind} {each.object}", f"{each.kind} {each.object} {_how(each)}", ended)
    more = found[_SAID_ONE_BY_ONE:]
    if more:
        names = ", ".join(f"{each.kind} {each.object}" for each in more[:_SAID_ONE_BY_ONE])
        yield _drifted("further objects", f"{len(more)} further objects are not as promoted: {names}", ended)


def _drifted(name: str, said: str, ended: datetime) -> Finding:
    return Finding(
        kind="drift",
        object=name,
        severity="attention",
        said=f"{said} (the last promotion ended at {spoken.moment(ended)}).",
        why="Somebody changed production beside the migrations: a rehearsal does not know it, and a restore loses it.",
        todo="Ask who did it; write it as a migration and promote it, or take it back.",
    )


def _how(difference: Difference) -> str:
    if difference.before is None:
        return "is there and was not promoted"
    return "is gone" if difference.after is None else "is not as it was promoted"
