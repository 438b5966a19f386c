"""What a rollback of the schema takes back: which migrations, by which proof, with which data; reads only."""

from __future__ import annotations

from ops import data_loss, database, errors, history, kept_state, promotions, proofs, queries
from ops import schema as schemas
from ops.evidence import Evidence
from ops.kept_state import Kept
from ops.migrations import Migration
from ops.schema_rollback import KIND, RollingBack, digest

_ASK = "Nothing was rolled back."


def find_applied(rolling: RollingBack) -> Evidence:
    """Say which migrations go, in which order, or go on where an interrupted run of this plan has stopped.

    Raises:
        Refused: there are fewer, other hands applied one of them, or a file is not the one that was applied.
        Unavailable: the database does not answer.
    """
    with database.connect(rolling.dsn, application=rolling.run) as connection, database.translating():
        rolling.identity = connection.execute(queries.load("kept_state/target")).fetchall()[0]
        hashes = {migration.version: migration.sha256 for migration in rolling.plan.migrations}
        found = history.read(connection, hashes)
        rolling.applied = frozenset(row.version for row in found.applied)
        if kept := kept_state.of_run(connection, KIND, rolling.run):
            _continue(rolling, connection, kept)
        else:
            _refuse_what_is_not_ours(found)
            applied = connection.execute(queries.load("schema_rollback/applied")).fetchall()
            rolling.order = tuple(
                _checked(rolling, version, sha256) for version, sha256 in _chosen(rolling, applied)
            )
            rolling.digest = digest(rolling, schemas.snapshot(connection))
        begun = promotions.under_way(connection, rolling.plan.environment.name)
    rolling.findings += [
        f"The promotion {each.run} has begun plan {each.plan_digest[:8]} and not ended it: this gives it up, so that "
        "none of its files is applied again without being approved anew."
        for each in (begun,)
        if each
    ]
    rows = tuple(
        {"version": each.version, "file": each.file, "rollback": each.rollback.file if each.rollback else ""}
        for each in rolling.order
    )
    return Evidence(ok=True, summary=rolling.summary, rows=rows)


def find_proofs(rolling: RollingBack) -> Evidence:
    """Find the rehearsal that has proven each script, in the evidence of the project.

    Raises:
        Refused: no sealed rehearsal that passed has proven one of them, for exactly these files.
    """
    rolling.proofs = proofs.find(rolling.plan.out, rolling.order)
    missing = [each.path.name for each in rolling.order if each.version not in rolling.proofs]
    rows = tuple({"version": version, "proven in": path.name} for version, path in rolling.proofs.items())
    if missing:
        raise errors.Refused(
            f"No sealed rehearsal that passed has proven the rollback of {', '.join(missing)}, with exactly these "
            f"files, below {rolling.plan.out}. {_ASK} Rehearse it: runbooks rehearse PATH --all.",
            Evidence(ok=False, summary="Not every rollback is proven.", rows=rows),
        )
    return Evidence(
        ok=True, summary=f"All {len(rows)} rollbacks are proven, for exactly these files.", rows=rows
    )


def find_losses(rolling: RollingBack) -> Evidence:
    """Name the tables and columns that go, with how many rows they have now."""
    scripts = [each.rollback for each in rolling.order if each.rollback and each.version not in rolling.done]
    with database.connect(rolling.dsn, application=rolling.run) as connection:
        rolling.losses = [
            {"what": str(loss), "how": loss.how, "rows": data_loss.count(connection, loss), "by": script.file}
            for script in scripts
            for loss in data_loss.find(script.script)
        ]
    unread = [script.file for script in scripts if data_loss.unread(script.script)]
    rolling.findings += [
        f"{file} holds what cannot be read for the data that it takes away" for file in unread
    ]
    said = ", ".join(f"{row['what']} ({row['rows']})" for row in rolling.losses) or "no table and no column"
    return Evidence(ok=True, summary=f"Data that goes: {said}.", rows=tuple(rolling.losses))


def _chosen(
    rolling: RollingBack, applied: list[tuple[str, bool | None, str, int | None]]
) -> list[tuple[str, str]]:
    """Return what goes, the one that was applied last first."""
    choices = rolling.plan.choices
    ours = [row for row in applied if row[1]]
    if choices.down_to:
        if choices.down_to not in {version for version, *_ in applied}:
            raise errors.Refused(
                f"Version {choices.down_to} is not applied, so nothing can be above it. {_ASK}"
            )
        going = [row for row in ours if row[0] > choices.down_to]
    else:
        going = ours[: choices.last]
    lowest = min((version for version, *_ in going), default=choices.down_to)
    others = [version for version, by_us, *_ in applied if not by_us and version > lowest]
    if others:
        raise errors.Refused(
            f"Other hands have applied {', '.join(others)} above what is to be rolled back (in the history, not in the "
            f"journal). {_ASK} Take that back by hand first, or roll back less."
        )
    if not going or (not choices.down_to and len(going) < choices.last):
        raise errors.Refused(
            f"{len(going)} applied migrations can be rolled back, fewer than asked for. {_ASK}"
        )
    later = [row[0] for row in ours[: len(going)] if row not in going]
    if later:
        raise errors.Refused(
            f"{', '.join(later)} was applied later than what is above {choices.down_to}, and may stand on it. {_ASK} "
            "Choose a lower version."
        )
    return [(version, sha256) for version, _, sha256, _ in going]


def _checked(rolling: RollingBack, version: str, sha256: str) -> Migration:
    migration = next((each for each in rolling.plan.migrations if each.version == version), None)
    if migration is None:
        raise errors.Refused(f"Version {version} has no file here. {_ASK} Check out the branch that has it.")
    if migration.sha256 != sha256:
        raise errors.Refused(f"{migration.file} is not the file that was applied. {_ASK} Check that one out.")
    if migration.rollback is None:
        raise errors.Refused(f"{migration.file} has no rollback script. {_ASK} Write one, and rehearse it.")
    if migration.rollback.problem:
        raise errors.Refused(migration.rollback.problem)
    return migration


def _refuse_what_is_not_ours(found: history.History) -> None:
    if not any(row.journaled for row in found.applied):
        raise errors.Refused(
            "The journal of this database knows of no applied migration, so none can be rolled back."
        )
    if found.begun:
        names = ", ".join(sorted(file for file, _ in found.begun))
        raise errors.Refused(
            f"An interrupted run has begun {names} and not ended it. {_ASK} Let that run go on to its end first."
        )


def _continue(rolling: RollingBack, connection: database.Connection, kept: Kept) -> None:
    planned = sorted(kept.items.items(), key=lambda item: int(item[1].before["place"] or 0))
    order: list[Migration] = []
    for version, item in planned:
        migration = _checked(rolling, version, item.before["sha256"] or "")
        if migration.rollback and migration.rollback.sha256 != item.before["rollback"]:
            raise errors.Refused(
                f"{migration.rollback.file} was changed since it was approved. Put it back as it was, to go on."
            )
        order.append(migration)
    rolling.order, rolling.digest = tuple(order), kept.plan_digest
    rolling.done = done(rolling, connection, kept)


def done(rolling: RollingBack, connection: database.Connection, kept: Kept) -> set[str]:
    """Return what this run has rolled back; what others have done since, nobody has approved to be undone.

    Raises:
        Refused: one was applied again since, or a promotion was begun.
    """
    asked = {"versions": list(kept.items), "since": kept.at}
    found = connection.execute(queries.load("schema_rollback/since"), asked).fetchall()
    for version, action, run in found:
        if action == "apply" or run != rolling.run:
            did = "applied" if action == "apply" else "rolled back"
            raise errors.Refused(
                f"Version {version} was {did} by {run} since this was approved, at {kept.at:%Y-%m-%d %H:%M:%S}, so "
                f"that is not what there is. {_ASK} Start a new run for a new plan."
            )
    begun = promotions.under_way(connection, rolling.plan.environment.name)
    if begun and begun.began_at > kept.at:
        raise errors.Refused(
            f"The promotion {begun.run} was begun since this was approved, and may stand on what is still to be rolled "
            f"back. {_ASK} Start a new run for a new plan, which names it."
        )
    return {version for version, *_ in found}
