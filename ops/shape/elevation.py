"""What hosted Supabase lets `postgres` do although it is no superuser, and plain Postgres does not.

Where Postgres has a means of its own (trusted extensions, predefined roles, grants on parameters), the shape uses
that. For the rest, `postgres` becomes a superuser for exactly one statement of a file, in the transaction of that
statement, so that no other session ever sees it and an error takes it back. The function that does this wants a key
that only this process knows: a file cannot call it. A block that creates an event trigger calls a function that does
nothing else. A file that runs through psql has neither.

This is about what a rehearsal finds, not a prison: on PostgreSQL 15 whoever may create roles can get at the server's
files, as Postgres itself documents.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import LiteralString, cast

from psycopg import sql

from ops import database, lexer
from ops.shape import loading

_KEY = secrets.token_hex(16)
# Event triggers of the file's must not run with what is lent; the setting exists from PostgreSQL 17 on.
_EVENT_TRIGGERS = (
    "select pg_catalog.set_config('event_triggers', '{}', true)"
    " from pg_catalog.pg_settings where name = 'event_triggers'"
)
_BEFORE = cast("LiteralString", f"select runbooks.lend_superuser('{_KEY}'); {_EVENT_TRIGGERS.format('off')}")
_AFTER = f"{_EVENT_TRIGGERS.format('on')}; alter role postgres nosuperuser"
# By the parser's name of the statement: what its words must say.
_RESERVED = {
    "create_event_trig_stmt": re.compile(r"^create event trigger"),
    "alter_object_schema_stmt": re.compile(r"^alter extension"),
    "alter_owner_stmt": re.compile(r"^alter (event trigger|foreign data wrapper)\b(?!.* keep_platform)"),
    "create_publication_stmt": re.compile(r" (all tables|all sequences|tables in schema)\b"),
    "alter_publication_stmt": re.compile(r" (all tables|all sequences|tables in schema)\b"),
    "create_fdw_stmt": re.compile(r"^create foreign data wrapper"),
    "alter_fdw_stmt": re.compile(r"^alter foreign data wrapper"),
}
_IN_BLOCK = re.compile(
    r"""create\s+event\s+trigger\s+(?P<name>"[^"]+"|\w+)\s+on\s+(?P<event>\w+)
    (?P<when>\s+when\s+tag\s+in\s*\((?P<tags>[^()]*)\))?
    \s+execute\s+(?:function|procedure)\s+(?P<function>[\w."]+)\s*\(\s*\)""",
    re.IGNORECASE | re.VERBOSE,
)


def elevated(kind: str, text: str) -> tuple[LiteralString, LiteralString] | None:
    """Return what to run before and after a statement that only the hosted `postgres` may run, or nothing.

    `kind` is the parser's name of the statement. All three belong in one transaction.
    """
    reserved = _RESERVED.get(kind)
    if reserved is None or not reserved.search(" ".join(lexer.words(text))):
        return None
    return _BEFORE, _AFTER


def adapted(kind: str, text: str) -> str:
    """Return a block in which event triggers are created as hosted Supabase does it; other statements as they are."""
    if kind != "do_stmt" or not _IN_BLOCK.search(text):
        return text
    pieces: list[str] = []
    last = 0
    for token in lexer.tokens(text):
        if token.kind == "dollar":
            inner = text[token.start : token.end]
            pieces += [text[last : token.start], _adapted_body(inner)]
            last = token.end
    return "".join([*pieces, text[last:]])


def prepare(connection: database.Connection) -> None:
    """Make elevation possible in the database that a superuser is connected to, for this process alone."""
    digest = hashlib.sha256(_KEY.encode()).hexdigest()
    for script in loading.scripts("lending", digest=digest):
        connection.execute(script)


def _adapted_body(quoted: str) -> str:
    tag = quoted[: quoted.index("$", 1) + 1]
    body = quoted[len(tag) : len(quoted) - len(tag)]
    words = {token.start for token in lexer.tokens(body) if token.kind == "word"}

    def call(match: re.Match[str]) -> str:
        return _call(match) if match.start() in words else match[0]

    return f"{tag}{_IN_BLOCK.sub(call, body)}{tag}"


def _call(match: re.Match[str]) -> str:
    """Return the call in place of a statement, with as many lines, so that an error's line stays right."""
    name = match["name"]
    plain = name[1:-1] if name.startswith('"') else name.lower()
    tags = f"array[{match['tags']}]" if match["when"] else "null"
    values = [
        _literal(plain),
        _literal(match["event"].lower()),
        tags,
        f"{_literal(match['function'])}::regproc",
    ]
    lines = "\n" * (match[0].count("\n") - tags.count("\n"))
    return f"perform runbooks.create_event_trigger({', '.join(values)}){lines}"


def _literal(value: str) -> str:
    return sql.Literal(value).as_string()
