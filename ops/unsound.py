"""Indexes that a build left INVALID, and constraints that were never checked against the rows before them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from psycopg import sql

from ops import conditions, looking, orphans, queries
from ops.app_tables import Table, Tables
from ops.findings import Example, Finding
from ops.looking import Look

_QUESTION = "constraints"
# What REINDEX CONCURRENTLY calls its new and old index while it is at it.
_LEFT_BY_REINDEX = re.compile(r"_cc(new|old)\d*$")
_NONE = conditions.Met(0, ())


@dataclass(frozen=True, slots=True)
class _Index:
    name: str
    identifier: str
    table_name: str
    partitioned: bool
    is_unique: bool
    live: bool
    building: bool
    hidden: bool


@dataclass(frozen=True, slots=True)
class _Constraint:
    """A constraint; `type` is c, f or n, `column` what must not be null, `owner` its table or domain."""

    oid: int
    name: str
    type: str
    schema: str
    owner: str
    partitioned: bool
    of_domain: bool
    domain: int
    column: str | None
    key: list[str]

    def __str__(self) -> str:
        return f"{self.table}: {self.name}"

    @property
    def table(self) -> Table:
        return Table(
            oid=0,
            schema=self.schema,
            name=self.owner,
            partitioned=self.partitioned,
            of_app=True,
            key=tuple(self.key),
            columns=(),
        )


def find_indexes(look: Look, tables: Tables) -> Iterator[Finding]:
    """Yield the indexes that are not valid."""
    values = {"oids": [table.oid for table in tables.of_app]}
    for index in looking.catalog(look.connection, queries.load("integrity/indexes"), _Index, values):
        yield Finding(
            kind="index", object=index.name, count=1, why=_why_invalid(index), remedy=_remedy_of(index)
        )


def _why_invalid(index: _Index) -> str:
    named = f"{index.name} of {index.table_name}"
    if index.building:
        return f"{named} is being built by a session right now, and is not used until then."
    if index.hidden:
        return f"{named} is INVALID, or a session is building it right now: this role may not see what others build."
    if not index.live:
        return f"{named} is half dropped: a DROP INDEX CONCURRENTLY was cut off."
    unique = " and does not keep its columns unique" if index.is_unique else ""
    return f"{named} is INVALID: it is paid for by every write, answers no query{unique}."


def _remedy_of(index: _Index) -> str:
    if index.building or index.hidden:
        return "Wait until it is done, and run this again."
    if index.partitioned:
        return "Make the index on each partition that has none, and attach it (`alter index ... attach partition`)."
    if not index.live or _LEFT_BY_REINDEX.search(index.name):
        return (
            f"Run `drop index concurrently {index.identifier}`: it is only what an interrupted command left."
        )
    again = " Where that says that a key is there twice, mend these rows first." if index.is_unique else ""
    return f"Run `reindex index concurrently {index.identifier}`, or drop it and build it again.{again}"


def find_constraints(look: Look, tables: Tables, led_nowhere: Mapping[int, int]) -> Iterator[Finding]:
    """Yield the constraints that are not validated, with the rows that break them.

    `led_nowhere` are those rows of foreign keys, by the number of the constraint.
    """
    values = {"oids": [table.oid for table in tables.of_app]}
    for each in looking.catalog(look.connection, queries.load("integrity/constraints"), _Constraint, values):
        unanswered = len(look.unseen)
        rows = _breaking(look, tables, each)
        count = led_nowhere.get(each.oid, 0) if each.type == "f" else rows.count
        seen = len(look.unseen) == unanswered and not (each.type == "f" and _was_unseen(look, each))
        yield Finding(
            kind="constraint",
            object=str(each),
            count=count,
            examples=rows.examples,
            why=f"{each.name} of {each.table} was never checked against the rows that were there before it"
            f"{_broken(count, seen=seen)}.",
            remedy=_validation(each, count),
        )


def _breaking(look: Look, tables: Tables, constraint: _Constraint) -> conditions.Met:
    """Return the rows that break a constraint; those of a foreign key are counted elsewhere."""
    if constraint.of_domain:
        return _breaking_domain(look, tables, constraint)
    broken = _condition(look, constraint)
    if broken is None:
        return _NONE
    found = conditions.met(look, _QUESTION, constraint.table, {"": broken}, about=str(constraint))
    return found.get("", _NONE)


def _breaking_domain(look: Look, tables: Tables, constraint: _Constraint) -> conditions.Met:
    text = _text(look, constraint)
    if text is None:
        return _NONE
    by_oid = {table.oid: table for table in tables.of_app}
    values = {"oids": list(by_oid), "domain": constraint.domain}
    columns = looking.catalog(look.connection, queries.load("integrity/domain_columns"), _column, values)
    count, examples = 0, list[Example]()
    for relation, column in columns:
        table = by_oid[relation]
        # The text calls the value VALUE, which is no word of its own outside of a domain.
        broken = sql.SQL("(select ({}) is false from (select {} as value) of_domain)").format(
            text, sql.Identifier("t", column)
        )
        about = f"{constraint} in {table}.{column}"
        found = conditions.met(look, _QUESTION, table, {"": broken}, about=about).get("", _NONE)
        count += found.count
        examples += [{"table": str(table), **example} for example in found.examples]
    return conditions.Met(count, tuple(examples[: conditions.EXAMPLES]))


def _condition(look: Look, constraint: _Constraint) -> sql.Composable | None:
    """Return the condition that a row of a table breaks its constraint; `None` where that is not to be asked."""
    if constraint.column is not None:
        return sql.SQL("{} is null").format(sql.Identifier("t", constraint.column))
    if constraint.type != "c":
        return None
    text = _text(look, constraint)
    return text and sql.SQL("({}) is false").format(text)


def _text(look: Look, constraint: _Constraint) -> sql.Composable | None:
    """Return the server's own text of a constraint that is there."""
    asking = sql.SQL(
        "select pg_catalog.pg_get_expr(conbin, conrelid) from pg_catalog.pg_constraint where oid = {}"
    )
    told = look.ask(_QUESTION, str(constraint), asking.format(sql.Literal(constraint.oid)))
    return sql.SQL(told[0][0]) if told and told[0][0] else None


def _column(*, relation: int, name: str) -> tuple[int, str]:
    return relation, name


def _was_unseen(look: Look, constraint: _Constraint) -> bool:
    return any(each.question == orphans.QUESTION and each.object == str(constraint) for each in look.unseen)


def _broken(count: int, *, seen: bool) -> str:
    if count:
        return f", and {'' if seen else 'at least '}{count:,} of them break it"
    return ", and none breaks it" if seen else ", and whether any breaks it could not be seen"


def _validation(constraint: _Constraint, count: int) -> str:
    kind = "domain" if constraint.of_domain else "table"
    name = sql.Identifier(constraint.name).as_string()
    statement = f"alter {kind} {constraint.table.identifier.as_string()} validate constraint {name}"
    waits = "before Postgres 18 writers wait for it" if constraint.of_domain else "it lets writers work"
    return f"{'Mend these rows, then run' if count else 'Run'} `{statement}`; {waits}."
