"""What is wrong with `[erasure]`: against the database's tables, and against the rows that were reached.

Each is a sentence that says what to add; as long as there is one, nobody is asked and nothing is erased.
"""

from __future__ import annotations

from collections.abc import Iterator

from ops import erasure_reach, erasure_schema
from ops.erasure_reach import Reached
from ops.erasure_schema import ForeignKey, Schema
from ops.erasure_settings import Action, ErasedTable, Erasure


def mistakes(schema: Schema, wanted: Erasure) -> Iterator[str]:
    """Yield what cannot be meant: tables, columns and links that are not there or cannot be changed so."""
    subjects = erasure_schema.qualified(wanted.table or "")
    if subjects not in schema.tables:
        yield f"there is no table {subjects}: name the subjects' one in `table`"
        return
    if subjects not in wanted.tables:
        yield f'the subjects\' table itself is missing: add [erasure.tables."{subjects}"]'
    known = schema.tables[subjects]
    named = (wanted.lookup, *wanted.identifying, *([wanted.storage_owner] if wanted.storage_owner else []))
    yield from (f"{subjects} has no column {name}" for name in named if name not in known)
    for table, declared in wanted.tables.items():
        if table not in schema.tables:
            yield f"there is no table {table}, with its schema; a partition is named by its table"
            continue
        yield from (f"{table}: {said}" for said in _of_table(schema, table, declared, known))


def _of_table(schema: Schema, table: str, declared: ErasedTable, subject: object) -> Iterator[str]:
    columns = schema.tables[table]
    if any(each.hidden for each in columns.values()):
        yield "row level security hides rows from this login; log in as its owner or with BYPASSRLS"
    referenced = {name for key in schema.to(table) for name in key.referenced}
    for name in (*declared.set, *declared.null):
        column = columns.get(name)
        if column is None:
            yield f"it has no column {name}"
        elif column.generated:
            yield f"{name} is generated and cannot be written; take it out"
        elif name in referenced or column.of_key:
            yield f"{name} is part of a key, by which other rows know this one; delete the row, or take it out"
        elif column.required and name in declared.null:
            yield f"{name} may not be empty; give it a value under `set`"
    keys = {key.link: key for key in schema.of(table)}
    for link in (*declared.detach, *declared.leave):
        if link not in keys:
            yield f"no foreign key has the columns {link}; those of this table: {', '.join(keys) or 'none'}"
    for link in declared.detach:
        if link in keys and not schema.emptied(keys[link]):
            yield f"{link} may not be empty, so rows cannot be detached; put it under `by`"
    for column, other in erasure_reach.links(declared):
        if column not in keys and column not in columns:
            yield f"it has neither a column nor a foreign key {column}"
        if other and other not in (subject if isinstance(subject, dict) else {}):
            yield f"the subjects' table has no column {other}"
    if any(key.period for key in (*schema.of(table), *schema.to(table))):
        yield "a foreign key with PERIOD leads there, which this runbook does not follow; erase these rows by hand"


def undeclared(schema: Schema, wanted: Erasure, found: Reached) -> Iterator[str]:
    """Yield which rows are reached of which nothing is said, or something that cannot be."""
    for key in sorted(found.referring, key=lambda each: (each.child, each.name)):
        declared, strangers = wanted.tables.get(key.child), found.strangers(key)
        if declared is None:
            if strangers:
                yield (
                    f"{len(strangers)} rows of {key.child} lead to rows of {key.parent} that are the subject's "
                    f"(foreign key {key.name}), and "
                    f'nothing is said of them: add [erasure.tables."{key.child}"] with '
                    'action = "delete", "anonymise" or "keep"'
                )
        elif strangers and not _said_of(declared, key):
            yield (
                f"{len(strangers)} rows of {key.child} lead to rows of {key.parent} that are the subject's by "
                f'{key.link}, and nothing is said of that: add "{key.link}" to `by`, `detach` or `leave` of '
                f'[erasure.tables."{key.child}"]'
            )
        elif not erasure_reach.survives(wanted, key.parent) and (
            count := _pointing(schema, declared, key, found)
        ):
            yield (
                f"{count} rows of {key.child} stay and refer by {key.link} to rows of {key.parent} that are deleted: "
                f'put a column of it under `null` or `set`, or "{key.link}" under `detach`, or delete them too'
            )


def _said_of(declared: ErasedTable, key: ForeignKey) -> bool:
    return key.link in (*declared.detach, *declared.leave) or erasure_reach.follows(declared, key)


def _pointing(schema: Schema, declared: ErasedTable, key: ForeignKey, found: Reached) -> int:
    """Return how many rows would refer to a row that is gone."""
    if erasure_reach.emptied(schema, declared, key):
        return 0
    strangers = found.strangers(key)
    own = found.referring[key] - strangers
    if declared.action is Action.DELETE:
        return len(strangers)
    changed = {*declared.set, *declared.null}
    needed = all if key.match_full else any
    return len(strangers) + (0 if needed(name in changed for name in key.columns) else len(own))
