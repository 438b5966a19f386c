"""What stands in for pgTAP says what pgTAP says: the same expressions through both, and on another major version."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import LiteralString, cast

import psycopg
import pytest

from ops import embedded, pgtap_source
from tests import fix_postgres

HERE = Path(__file__).parents[1] / "pgtap"
EXPRESSIONS = (HERE / "expressions.txt").read_text(encoding="utf-8").splitlines()
# Said in other words, or better than pgTAP 1.2 does.
DIFFERENT = {
    "col_is_pk('people', array['id'])",
    "extensions_are(array['plpgsql'])",
    "has_inherited_tables('people')",
    "hasnt_inherited_tables('people')",
    "is_clustered('people', 'people_pkey')",
    "is_indexed('people', 'id')",
    "policy_roles_are('people', 'everything', array['public'])",
    "row_eq('select 1', row(1, 2), 'd')",
}


def trusted(text: str) -> LiteralString:
    return cast("LiteralString", text)


def answers(dsn: str, provide: str) -> dict[str, str]:
    """Return what each expression says first, or the error it ends in."""
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "create schema tap; grant usage on schema tap to public; set local search_path = tap"
        )
        connection.execute(trusted(provide))
        connection.execute("set local search_path = public, tap")
        connection.execute(trusted((HERE / "setup.sql").read_text(encoding="utf-8")))
        found = {expression: answer(connection, expression) for expression in EXPRESSIONS}
        connection.rollback()
    return found


def answer(connection: psycopg.Connection, expression: str) -> str:
    connection.execute("savepoint one")
    try:
        connection.execute("select no_plan()")
        rows = connection.execute(trusted(f"select {expression}")).fetchall()
        ending = connection.execute("select * from finish()").fetchall()
        said = str(rows[0][0]).splitlines()[0] if rows else ""
        return " / ".join([said, *(str(row[0]) for row in ending)])
    except psycopg.Error as error:
        return f"{error.sqlstate} {error.diag.message_primary}"
    finally:
        connection.execute("rollback to one")


@pytest.fixture(scope="module")
def real(server15: embedded.Server) -> Generator[dict[str, str]]:
    with fix_postgres.fresh_database(server15) as name:
        yield answers(server15.dsn(name, user=server15.superuser), "create extension pgtap")


def test_same_answers_on_the_same_server(server15: embedded.Server, real: dict[str, str]) -> None:
    with fix_postgres.fresh_database(server15) as name:
        ours = answers(server15.dsn(name, user=server15.superuser), pgtap_source.stand_in())
    assert {key: ours[key] for key in EXPRESSIONS if key not in DIFFERENT} == {
        key: said for key, said in real.items() if key not in DIFFERENT
    }


def test_same_answers_on_the_embedded_server(server: embedded.Server, real: dict[str, str]) -> None:
    with fix_postgres.fresh_database(server) as name:
        ours = answers(server.dsn(name, user=server.superuser), "create extension pgtap with schema tap")
    assert {key: ours[key] for key in EXPRESSIONS if key not in DIFFERENT} == {
        key: said for key, said in real.items() if key not in DIFFERENT
    }


def test_what_it_lacks_is_known(server: embedded.Server, server15: embedded.Server) -> None:
    query = (
        "select distinct proname::text from pg_proc join pg_depend on objid = pg_proc.oid and deptype = 'e'"
        " where proname !~ '^_|^plpgsql_' and refobjid = (select oid from pg_extension where extname = 'pgtap')"
    )
    found: list[set[str]] = []
    for each in (server, server15):
        with fix_postgres.fresh_database(each) as name, psycopg.connect(each.dsn(name)) as connection:
            connection.execute("create extension pgtap with schema extensions")
            found.append({row[0] for row in connection.execute(query).fetchall()})
    ours, real = found
    internal = {"add_result", "diag_test_name", "display_oper"}
    assert real - ours - internal == pgtap_source.LACKING
    assert ours - real == set()
