"""The steps of an erasure: find, erase in one transaction with its proof, and look again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from psycopg import sql

from ops import (
    database,
    erasure_changes,
    erasure_reach,
    erasure_record,
    erasure_rules,
    erasure_schema,
    erasure_search,
    errors,
    journal,
    queries,
)
from ops.erasure_changes import Change
from ops.erasure_reach import Reached
from ops.erasure_schema import Schema
from ops.evidence import Evidence
from ops.gdpr_erasure import GATE, Erasing


def find(erasing: Erasing) -> Evidence:
    """Find the subject's rows by what is declared and by foreign keys, and say what becomes of them; reads only.

    Raises:
        Refused: `[erasure]` has a mistake, rows are reached of which nothing is said, or something would stay.
        Unavailable: the database does not answer.
    """
    wanted = erasing.plan.project.erasure
    with erasing.transaction(reads=True) as connection:
        erasing.target = _target(connection)
        erasing.erased = erasure_record.newest(
            connection, erasing.plan.environment, erasing.plan.subject, erasing.run
        )
        schema = _schema(erasing, connection)
        erasing.reached = erasure_reach.find(connection, schema, wanted, erasing.value)
        erasing.needles = erasure_search.needles(wanted, erasing.reached)
        erasing.needles.remember()
        if erasing.done:
            said = "This run has erased the subject before it was interrupted, and goes on from there."
            return Evidence(ok=True, summary=said)
        _verify_declared(erasing, schema, erasing.reached)
        erasing.changes = erasure_changes.due(connection, schema, wanted, erasing.reached)
        hits = erasure_search.search(connection, schema, wanted, erasing.needles)
        unknown, known = erasure_search.left(hits, erasing.changes, wanted)
        erasing.objects = _objects(erasing, connection, schema)
    _refuse(
        "Something of the subject would stay",
        (
            f"{said}; say what becomes of these rows, or name the column in known_mentions of [erasure]"
            for said in unknown
        ),
    )
    erasing.findings = [*_notes(erasing), *(f"{said}, which is known" for said in known)]
    return _found(erasing)


def erase(erasing: Erasing) -> Evidence:
    """Do what was approved, and prove that nothing is left, in one transaction; a failed proof changes nothing.

    Raises:
        Refused: the rows are not those that were approved, or another run holds the lock.
        CheckFailed: something of the subject would be left, or rows of somebody else would change.
        Unavailable: a lock is in the way, or the connection is lost.
    """
    if erasing.done:
        return Evidence(ok=True, summary="This run has erased the subject already.", idle=True)
    wanted, plan = erasing.plan.project.erasure, erasing.plan
    with journal.held(erasing.dsn, f"{GATE} {erasing.run}"[:63]) as holder:
        with database.connect(erasing.dsn) as connection:
            erasure_record.prepare(connection)
        with erasing.transaction(reads=False) as connection:
            schema = _schema(erasing, connection)
            _lock(connection, schema, wanted.tables)
            journal.verify_held(connection, holder)
            reached = erasure_reach.find(connection, schema, wanted, erasing.value)
            _verify_declared(erasing, schema, reached)
            changes = erasure_changes.due(connection, schema, wanted, reached)
            _verify_as_planned(erasing, changes)
            looked_for = erasing.needles
            touched = erasure_changes.carry_out(connection, changes)
            _verify_touched(connection, changes, touched, erasing)
            erasing.proven = _proven(erasing, connection, schema, reached)
            counts: Counter[str] = Counter()
            for change in changes:
                counts[f"{change.table} ({change.action})"] += len(change.rows)
            erasure_record.keep(
                connection,
                plan.environment,
                subject=plan.subject,
                run=erasing.run,
                plan_digest=erasing.digest,
                counts=counts,
            )
            erased = erasure_record.newest(connection, plan.environment, plan.subject, erasing.run)
    erasing.erased = erased
    rows = tuple(change.counted for change in changes)
    said = f"Erased in one transaction: {sum(touched)} rows. {len(looked_for.identifying)} values were looked for."
    return Evidence(ok=True, summary=said, rows=rows)


def verify(erasing: Erasing) -> Evidence:
    """Look again, in a transaction of its own: nothing of the subject is left in the declared places.

    Raises:
        Unavailable: the database does not answer.
    """
    wanted = erasing.plan.project.erasure
    with erasing.transaction(reads=True) as connection:
        schema = _schema(erasing, connection)
        reached = erasure_reach.find(connection, schema, wanted, erasing.value)
        problems = _left(erasing, connection, schema, reached)
    if not problems:
        erasing.proven = (*erasing.proven, "read again after the commit")
    well = f"Nothing of the subject {erasing.plan.subject} is left in the declared places."
    return Evidence(ok=not problems, summary=" ".join(problems) or well)


def log_completion(erasing: Erasing) -> Evidence:
    """Write to the audit log that the subject was erased: a keyed hash, tables and numbers.

    Raises:
        Refused: the log cannot be made, or its key cannot be opened.
        Unavailable: the database does not answer.
    """
    plan = erasing.plan
    if not erasing.done or erasing.erased is None:
        return Evidence(ok=True, summary="This run has erased nobody, so there is nothing to log.", idle=True)
    new = erasure_record.log(
        erasing.dsn, plan.project, plan.environment, subject=plan.subject, gate=GATE, found=erasing.erased
    )
    erasing.logged = True
    said = "is in the audit log" if new else "was in the audit log already"
    return Evidence(ok=True, summary=f"The erasure of the subject {plan.subject} {said}.")


def _target(connection: database.Connection) -> tuple[str, str]:
    ((system, name),) = connection.execute(queries.load("kept_state/target")).fetchall()
    return system, name


def _schema(erasing: Erasing, connection: database.Connection) -> Schema:
    schema = erasure_schema.read(connection)
    _refuse("[erasure] of runbooks.toml", erasure_rules.mistakes(schema, erasing.plan.project.erasure))
    return schema


def _verify_declared(erasing: Erasing, schema: Schema, reached: Reached) -> None:
    problems = erasure_rules.undeclared(schema, erasing.plan.project.erasure, reached)
    _refuse("It is not said what becomes of rows that are reached", problems)


def _refuse(about: str, problems: Iterable[str]) -> None:
    if found := list(problems):
        raise errors.Refused(f"{about}: {'; '.join(found)}. Nothing was erased.")


def _objects(erasing: Erasing, connection: database.Connection, schema: Schema) -> dict[str, int]:
    column = erasing.plan.project.erasure.storage_owner
    owner = erasing.reached.values.get(column) if column else None
    if owner is None or "storage.objects" not in schema.tables:
        return {}
    return dict(connection.execute(queries.load("erasure/objects"), {"owner": owner}).fetchall())


def _notes(erasing: Erasing) -> list[str]:
    found = [
        f"{count} objects of the bucket {bucket} are the subject's and stay: delete them by Storage's API"
        for bucket, count in erasing.objects.items()
    ]
    found += [
        f"{column} of the subject's row is too short to be looked for in texts"
        for column in erasing.needles.too_short
    ]
    if erasing.reached.subjects and not erasing.plan.project.erasure.identifying:
        found.append(
            "No identifying columns are declared, so that texts are searched for the lookup's value alone"
        )
    return [*found, "Backups and WAL keep what was erased until they are thrown away"]


def _found(erasing: Erasing) -> Evidence:
    if erasing.changes:
        return Evidence(
            ok=True, summary=erasing.summary, rows=tuple(change.counted for change in erasing.changes)
        )
    before = erasing.erased
    when = f"; it was erased at {before.at:%Y-%m-%d %H:%M} UTC by run {before.run}" if before else ""
    said = f"Nothing of the subject {erasing.plan.subject} is left in the declared places{when}."
    return Evidence(ok=True, idle=True, summary=said)


def _lock(connection: database.Connection, schema: Schema, tables: Iterable[str]) -> None:
    """Keep everybody else from writing what is the subject's, or leads there; readers go on."""
    declared = set(tables)
    wanted = declared | {key.child for key in schema.foreign_keys if key.parent in declared}
    names = sql.SQL(", ").join(erasure_schema.identifier(table) for table in sorted(wanted))
    connection.execute(sql.SQL("lock table {} in share row exclusive mode").format(names))


def _verify_as_planned(erasing: Erasing, changes: tuple[Change, ...]) -> None:
    if [each.counted for each in changes] != [each.counted for each in erasing.changes]:
        raise errors.Refused(
            "The subject's rows are not as many as when the plan was made, so nothing was erased. Lock the account if "
            "it is still used, and run again for a new plan."
        )


def _verify_touched(
    connection: database.Connection, changes: tuple[Change, ...], touched: list[int], erasing: Erasing
) -> None:
    """Check that each row of the plan was touched, and no other one."""
    if touched != [len(change.rows) for change in changes]:
        raise errors.CheckFailed(
            "Not every row that was to be erased was: does a trigger hold it back? Nothing was changed."
        )
    planned: Counter[tuple[int, bool]] = Counter(
        (relation, change.action == "delete") for change in changes for relation, _ in change.rows
    )
    for relation, name, inserted, updated, deleted in connection.execute(
        queries.load("erasure/touched")
    ).fetchall():
        if updated > planned[relation, False] or deleted > planned[relation, True]:
            raise errors.CheckFailed(
                f"Rows of {name} would change that are not in the plan: does a trigger do it? Nothing was changed."
            )
        if inserted:
            erasing.findings.append(
                f"A trigger has written {inserted} rows to {name}: look whether they hold what was erased"
            )


def _proven(
    erasing: Erasing, connection: database.Connection, schema: Schema, before: Reached
) -> tuple[str, ...]:
    after = erasure_reach.find(connection, schema, erasing.plan.project.erasure, erasing.value)
    if problems := _left(erasing, connection, schema, after):
        raise errors.CheckFailed(f"{' '.join(problems)} Nothing was changed.")
    rows = sum(map(len, before.mine.values()))
    return (
        f"{rows} rows of the subject were found again by the same ways before the commit: none has anything to erase",
        f"{len(erasing.needles.identifying)} values and the lookup's were looked for in the texts of "
        f"{len(erasing.plan.project.erasure.tables)} tables before the commit",
    )


def _left(erasing: Erasing, connection: database.Connection, schema: Schema, reached: Reached) -> list[str]:
    wanted = erasing.plan.project.erasure
    undone = erasure_changes.due(connection, schema, wanted, reached)
    problems = [f"{len(each.rows)} rows of {each.table} are still to be {each.action}d." for each in undone]
    hits = erasure_search.search(connection, schema, wanted, erasing.needles)
    unknown, _ = erasure_search.left(hits, (), wanted)
    return [*problems, *(f"{said}." for said in unknown)]
