"""What an interrupted statement left behind: cleaned up, or recognised as finished, before it runs again."""

from __future__ import annotations

import postgast
import tenacity
from psycopg import sql

from ops import database, errors, queries, statements


def clean_up(connection: database.Connection, statement: statements.Statement) -> tuple[bool, list[str]]:
    """Return whether the statement had finished after all, and what was done about its remains.

    An INVALID index is dropped before it is built again, unless another session is still building it.

    Raises:
        Unavailable: another session is still building the index.
    """
    if statement.kind != "index_stmt":
        return False, []
    node = postgast.parse(statement.text).stmts[0].stmt.index_stmt
    values = {"index": node.idxname, "table": node.relation.relname, "schema": node.relation.schemaname}
    return _settled(connection, values) if node.idxname else (False, [])


@tenacity.retry(
    retry=tenacity.retry_if_exception_type(errors.Unavailable),
    stop=tenacity.stop_after_delay(60),
    wait=tenacity.wait_fixed(0.2),
    reraise=True,
)
def _settled(connection: database.Connection, values: dict[str, str]) -> tuple[bool, list[str]]:
    found = connection.execute(queries.load("apply/invalid_index"), values).fetchone()
    if found is None:
        return False, []
    schema, name, valid, building = found
    if valid:
        return True, [f"index {schema}.{name} was finished before the interruption"]
    if building:
        raise errors.Unavailable(
            f"Another session is still building {schema}.{name}. Run again when it has ended."
        )
    connection.execute(sql.SQL("drop index concurrently if exists {}").format(sql.Identifier(schema, name)))
    return False, [f"dropped the INVALID index {schema}.{name} that an interruption had left"]
