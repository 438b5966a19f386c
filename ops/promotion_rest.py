"""What is left of a plan that was begun: it goes on only while everything is as it was approved."""

from __future__ import annotations

from collections.abc import Sequence

from ops import change, database, errors, frozen, promotion_begun, promotion_place, queries
from ops.migrations import Migration
from ops.promoting import Promoting
from ops.promotion_begun import NOTHING_DONE, ROLLING_BACK, UNDONE
from ops.promotions import Begun


def of(promoting: Promoting, begun: Begun) -> tuple[Migration, ...]:
    """Return what is left of a plan that was begun: what is applied and what remains must be that plan.

    Raises:
        Refused: it can not go on; the message says what is not as it was.
    """
    here = {each.file: each for each in (*promoting.plan.migrations, *promoting.plan.overlays)}
    pending = {each.file for each in promoting.pending}
    left: list[Migration] = []
    _verify_target(promoting, begun)
    _verify_proofs(promoting, begun)
    _refuse_overtaken(promoting, begun)
    for each in begun.plan.files:
        local = here.get(each.file)
        if local and (local.rollback.sha256 if local.rollback else None) != each.rollback_sha256:
            _refuse_rest(
                begun, f"{each.rollback or f'the rollback of {each.file}'} is not as it was approved"
            )
        if local is None or local.sha256 != each.sha256:
            if local is None or each.file in pending:
                _refuse_rest(begun, f"{each.file} is {'gone' if local is None else 'another file now'}")
        elif each.file in pending:
            left.append(local)
    others = {each.file for each in begun.plan.files}
    promoting.findings += [
        f"{file} is pending, and not part of the plan that was begun: promote it afterwards."
        for file in sorted(pending - others)
    ]
    _refuse_what_is_over(promoting, begun, missing=bool(left))
    _refuse_taken_back(promoting, begun, left)
    _verify_schema(promoting, begun)
    return tuple(left)


def _verify_target(promoting: Promoting, begun: Begun) -> None:
    """A copy of a database has the record of its plans too."""
    now, then = promotion_begun.target(promoting), begun.plan.target
    if now != then:
        _refuse_rest(
            begun,
            f"it was approved for the database {then.database} of cluster {then.system_identifier}, PostgreSQL "
            f"{then.major}, and this is {now.database} of {now.system_identifier}, PostgreSQL {now.major}",
        )
    if copied := promotion_place.verify_begun(promoting, begun):
        _refuse_rest(begun, copied)


def _verify_proofs(promoting: Promoting, begun: Begun) -> None:
    """By what a plan is proven was approved with it; files that came since may be another plan's."""
    now = promoting.plan.change.model_copy(
        update={
            part: getattr(begun.plan.change, part)
            for part in ("migrations", "overlay", "overlay_environment")
        }
    )
    parts = list(change.differing(begun.plan.change, now))
    proofs = frozen.proofs(promoting.plan.project, promoting.plan.environment)
    if begun.plan.proofs and proofs != begun.plan.proofs:
        parts.append(frozen.PROOFS)
    if parts:
        _refuse_rest(begun, f"its {' and '.join(parts)} are not what was approved")


def _refuse_overtaken(promoting: Promoting, begun: Begun) -> None:
    """What somebody has reset since, such as the providers by a P0 rollback, an overlay would put back."""
    with database.translating():
        if promoting.connection.execute(queries.load("kept_state/exists")).fetchone() != (True,):
            return
        found = promoting.connection.execute(
            queries.load("promotions/overtaken"),
            {"environment": begun.plan.environment, "since": begun.began_at},
        ).fetchone()
    if found:
        kind, run = found
        _refuse_rest(begun, f"{kind} was run since, by {run}, and is not put back")


def _refuse_what_is_over(promoting: Promoting, begun: Begun, *, missing: bool) -> None:
    """A database that was restored has plans as under way that had ended: its audit log was put back, and says so."""
    with database.translating():
        asked = {"plan_digest": begun.plan_digest, "since": begun.began_at, "missing": missing}
        found = promoting.connection.execute(queries.load("audit/over"), asked).fetchone()
    if found:
        number, note = found
        raise errors.Refused(
            f"Plan {begun.plan_digest[:8]} of {begun.plan.environment!r} is recorded as under way, and row {number} of "
            f"the audit log says that it was over: {note} Was the database restored? {NOTHING_DONE} Give the plan up "
            "with the choice `abandon`: what is missing is then planned, rehearsed and approved anew."
        )


def _refuse_taken_back(promoting: Promoting, begun: Begun, left: Sequence[Migration]) -> None:
    """What a plan had applied and others have taken away is not applied again by the approval of then."""
    own: list[str] = begun.kept.get(UNDONE) or []
    asked = [each for each in left if each.file not in own]
    if begun.kept.get(ROLLING_BACK) or not asked:
        return
    with database.translating():
        rows = promoting.connection.execute(
            queries.load("promotions/taken_back"),
            {"versions": [each.key for each in asked], "since": begun.began_at},
        ).fetchall()
    files = {each.key: each.file for each in asked}
    for version, run in rows:
        _refuse_rest(
            begun, f"{files[version]} was applied by it and is gone again, by {run or 'other hands'}"
        )


def _verify_schema(promoting: Promoting, begun: Begun) -> None:
    """What has changed since the plan was begun may only be what its files change."""
    may: set[tuple[str, str]] = {key for delta in begun.expected.values() for key in delta}
    now, before = promoting.before, begun.before
    changed = {key for key in now.keys() | before.keys() if now.get(key) != before.get(key)}
    strange = sorted(changed - may)
    if strange:
        named = ", ".join(f"{kind} {name}" for kind, name in strange[:5])
        _refuse_rest(
            begun, f"other hands have changed the schema since: {named}{' and more' * (len(strange) > 5)}"
        )


def _refuse_rest(begun: Begun, why: str) -> None:
    raise errors.Refused(
        f"Plan {begun.plan_digest[:8]} of {begun.plan.environment!r} was begun by {begun.run} and can not go on: {why}."
        f" {NOTHING_DONE} Put that back (commit {(begun.plan.commit or 'unknown')[:12]}) and run again, or give the "
        "plan up with the choice `abandon`: what is left is then planned, rehearsed and approved anew."
    )
