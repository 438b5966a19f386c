"""What a promotion looks at before anybody is asked: which database, what is pending, what was rehearsed.

Source: database-pipeline.md, "How to Promote to Production"; design.md, section 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from ops import (
    connectivity,
    errors,
    frozen,
    inventory,
    marker,
    overlays,
    promotion_begun,
    promotion_place,
    promotion_rest,
    promotions,
    rehearsals,
)
from ops.evidence import Evidence
from ops.frozen import Frozen, PlannedFile, RehearsedBy
from ops.inventory import Inventory
from ops.migrations import Migration
from ops.promoting import Promoting
from ops.schema import Delta
from ops.verdict import Rehearsal

_NOTHING_DONE = "Nothing was applied."


def check_connectivity(promoting: Promoting) -> Evidence:
    """Say which database answers, as whom, over which road, and that it is the environment's.

    Raises:
        Refused: the DSN cannot work, a pooler gives no session, or the database says that it is another environment.
        Unavailable: nobody answers.
    """
    found = connectivity.check(promoting.target.dsn)
    promoting.connectivity = found
    promoting.place = promotion_place.read(promoting.connection)
    where = promoting.plan.environment.name
    marking = marker.read(promoting.connection)
    if marking.environment not in (None, where):
        raise errors.Refused(
            f"This database says that it is {marking.environment!r}, and the environment asked for is {where!r}. "
            f"{_NOTHING_DONE} Mend the DSN or the marker."
        )
    return promoting.note("connectivity", found)


def find_pending(promoting: Promoting) -> Inventory:
    """Compare the files with what the database says is applied; find the plan that is under way, if there is one.

    Raises:
        Refused: other hands have applied something since the last promotion, or the plan that was begun can not go on.
    """
    plan = promoting.plan
    found = inventory.take(
        promoting.connection,
        plan.migrations,
        overlooked=plan.overlooked,
        expects=plan.environment.expects,
        out_of_order=plan.environment.out_of_order,
    )
    promoting.inventory = found
    promoting.before = promoting.look()
    promoting.begun = promotions.under_way(promoting.connection, plan.environment.name)
    if promoting.begun is None:
        promotion_place.verify_asked(promoting)
    if (
        promoting.begun
        and plan.choices.abandon
        and promotion_begun.may_be_given_up(promoting, promoting.begun)
    ):
        promotion_begun.give_up(promoting, promoting.begun)
    over = overlays.pending(promoting.connection, plan.overlays)
    promoting.pending = (*(m for m in plan.migrations if m.version in found.pending), *over)
    promoting.adopted = _adopted(promoting, found)
    if promoting.begun:
        promotion_begun.verify_kind(promoting, promoting.begun)
        promotion_begun.verify_approved(promoting, promoting.begun)
        promoting.pending = promotion_rest.of(promoting, promoting.begun)
    return found


def refuse_bad_files(promoting: Promoting) -> Evidence:
    """Refuse the promotion when a pending file must not be run as it is, or the history contradicts the files.

    Raises:
        Refused: the first of the bad files, with its place, or what the history contradicts.
    """
    bad = [each for each in promoting.pending if each.problem]
    refusals = [each.problem or "" for each in bad]
    refusals += promoting.inventory.refusals if promoting.inventory else ()
    if refusals:
        more = f" And {len(refusals) - 1} more." if len(refusals) > 1 else ""
        said = f"{refusals[0]}{more} {_NOTHING_DONE}"
        raise errors.Refused(
            said, Evidence(ok=False, summary=said, rows=tuple({"refused": r} for r in refusals))
        )
    odd = tuple({"file": m.file, "finding": text} for m in promoting.pending for text in m.findings)
    return Evidence(
        ok=True, summary=f"{len(promoting.pending)} files may run; {len(odd)} oddities.", rows=odd
    )


def find_rehearsal(promoting: Promoting) -> Evidence:
    """Find the rehearsal of this very change, with this environment's overlay, on this major version, not too old.

    Raises:
        Refused: there is none; the message says by what the nearest one falls short.
    """
    if promoting.begun:
        by = promoting.begun.plan.rehearsal
        return promoting.note(
            "rehearsal",
            Evidence(ok=True, summary=f"The plan that was begun was rehearsed by {by.run}, {by.started}."),
        )
    if promoting.idle:
        return Evidence(ok=True, summary="Nothing is pending, so nothing needs a rehearsal.", idle=True)
    plan = promoting.plan
    found = rehearsals.find(
        plan.out,
        plan.change,
        major=_major(promoting),
        pending=[each.file for each in promoting.pending],
        max_age=plan.environment.promotion.rehearsal_max_age,
        now=datetime.now(UTC),
        require_rollback=plan.environment.require_rollback,
    )
    promoting.rehearsed = found
    measured = {each.file: each for each in found.rehearsal.migrations}
    return promoting.note(
        "rehearsal",
        Evidence(
            ok=True,
            summary=f"Rehearsed at {found.rehearsal.started} on PostgreSQL {found.rehearsal.base.major}: "
            f"{found.rehearsal.summary}",
            rows=tuple(
                {
                    "file": each.file,
                    "rollback": measured[each.file].rollback.status,
                    "ms": measured[each.file].duration_ms,
                    "locks": ", ".join(f"{lock.mode} on {lock.object}" for lock in measured[each.file].locks),
                    "measured on": ", ".join(
                        f"{rows} rows of {name}" for name, rows in _rows(promoting, each)
                    ),
                }
                for each in promoting.pending
            ),
        ),
    )


def freeze_plan(promoting: Promoting) -> Evidence:
    """Put together what is to be approved, or take up the plan that was begun."""
    if promoting.idle:
        return Evidence(ok=True, summary="Nothing is pending, so there is no plan.", idle=True)
    if promoting.begun:
        promoting.frozen = promoting.begun.plan
        left = len(promoting.pending)
        return Evidence(
            ok=True,
            summary=f"Plan {promoting.begun.plan_digest[:8]} was begun by {promoting.begun.run}; {left} of "
            f"{len(promoting.begun.plan.files)} files are left. Nobody is asked again.",
        )
    promoting.frozen = planned(promoting)
    return Evidence(
        ok=True,
        summary=f"Plan {promoting.frozen.digest[:8]}: {len(promoting.frozen.files)} files on a schema of "
        f"{len(promoting.before)} objects, {promoting.frozen.fingerprint[:8]}.",
        rows=tuple(each.model_dump() for each in promoting.frozen.files),
    )


def planned(promoting: Promoting) -> Frozen:
    """Return the plan of what is pending now."""
    plan, rehearsed = promoting.plan, promoting.rehearsed
    if rehearsed is None:
        raise ValueError("a plan is made of what was rehearsed")
    return Frozen(
        project=plan.project.name,
        environment=plan.environment.name,
        commit=plan.commit,
        target=promotion_begun.target(promoting),
        change=plan.change,
        files=tuple(PlannedFile.of(each) for each in promoting.pending),
        adopted=promoting.adopted,
        fingerprint=frozen.fingerprint(promoting.before),
        emergency=plan.emergency,
        proofs=frozen.proofs(plan.project, plan.environment),
        rehearsal=RehearsedBy(
            run=rehearsed.path.name,
            bundle=str(rehearsed.path),
            seal=rehearsed.seal,
            started=rehearsed.rehearsal.started,
            ended=_ended(rehearsed.rehearsal),
            environment=rehearsed.rehearsal.environment,
            rollbacks={each.file: each.rollback.status for each in rehearsed.rehearsal.migrations},
        ),
    )


def _adopted(promoting: Promoting, found: Inventory) -> tuple[str, ...]:
    """Return the migrations of other hands that this plan takes as they are."""
    others = tuple(entry.version for entry in found.entries if entry.state == "other-hands")
    known = promotions.adopted(promoting.connection)
    new = tuple(version for version in others if version not in (known or ()))
    if promoting.begun:
        new = tuple(version for version in new if version not in promoting.begun.plan.adopted)
    if not new:
        return ()
    if promoting.begun or (known is not None and not promoting.plan.choices.adopt):
        raise errors.Refused(
            f"Other hands have applied {', '.join(new[:5])}{' and more' * (len(new) > 5)} since the last promotion: "
            f"the history has them, the journal has not. {_NOTHING_DONE} Find out who and why, compare with the files, "
            f"and start again with {_choices(promoting)}: the approval then covers them as they are."
        )
    counted = "1 migration was" if len(new) == 1 else f"{len(new)} migrations were"
    promoting.findings.append(
        f"{counted} applied by other hands, the last is {new[-1]}; this plan takes that."
    )
    return new


def _choices(promoting: Promoting) -> str:
    return "the choices `abandon` and `adopt`" if promoting.begun else "the choice `adopt`"


def _rows(promoting: Promoting, migration: Migration) -> list[tuple[str, int]]:
    none: Mapping[str, Mapping[str, int]] = {}
    measured = promoting.rehearsed.rows if promoting.rehearsed else none
    return sorted(measured.get(migration.file, dict[str, int]()).items())


def _ended(rehearsal: Rehearsal) -> str:
    took = timedelta(milliseconds=rehearsal.duration_ms or 0)
    return (datetime.fromisoformat(rehearsal.started) + took).isoformat(timespec="seconds")


def _major(promoting: Promoting) -> int:
    return promoting.connectivity.server_major if promoting.connectivity else 0


def expected(promoting: Promoting) -> dict[str, Delta]:
    """Return the rehearsed change of each file of the plan, in its order."""
    if promoting.begun:
        return promoting.begun.expected
    deltas: Mapping[str, Delta] = promoting.rehearsed.deltas if promoting.rehearsed else {}
    none: Delta = {}
    return {each.file: frozen.without_incomparable(deltas.get(each.file, none)) for each in promoting.pending}
