"""What hosted Supabase lets `postgres` do although it is no superuser, and plain Postgres does not.

Where Postgres has a means of its own (trusted extensions, predefined roles, grants on parameters), the shape uses
that. For the rest, `postgres` becomes a superuser for exactly one statement of a file, in the transaction of that
statement, so that no other session ever sees it and an error takes it back. The function that does this wants a key
that only this process knows: a file cannot call it. A file that runs through psql, and what a DO block does, have
no elevation.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import LiteralString, cast

from ops import database, lexer
from ops.shape import loading

_KEY = secrets.token_hex(16)
_BEFORE = cast("LiteralString", f"select runbooks.lend_superuser('{_KEY}')")
_AFTER = "alter role postgres nosuperuser"
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


def elevated(kind: str, text: str) -> tuple[LiteralString, LiteralString] | None:
    """Return what to run before and after a statement that only the hosted `postgres` may run, or nothing.

    `kind` is the parser's name of the statement. All three belong in one transaction.
    """
    reserved = _RESERVED.get(kind)
    if reserved is None or not reserved.search(" ".join(lexer.words(text))):
        return None
    return _BEFORE, _AFTER


def prepare(connection: database.Connection) -> None:
    """Make elevation possible in the database that a superuser is connected to, for this process alone."""
    digest = hashlib.sha256(_KEY.encode()).hexdigest()
    for script in loading.scripts("lending", digest=digest):
        connection.execute(script)
