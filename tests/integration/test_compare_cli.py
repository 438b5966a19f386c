"""`runbooks compare` as a process: equal, different, refused, unavailable; on the screen and as JSON."""

from __future__ import annotations

import json
import socket
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import pytest

from ops import database, drift, embedded, errors, schema
from tests import fix_command, fix_postgres

SCHEMA = """
create table public.orders (id bigint primary key, total numeric(10, 2), note text);
create policy own on public.orders for select to authenticated using (id > 0);
create function public.total(a int) returns int language sql as 'select 1';
"""
CHANGES = """
create table public.extra (id int primary key);
alter table public.orders alter total type numeric(12, 2);
alter policy own on public.orders using (id > 1);
drop function public.total(int);
"""


@pytest.fixture
def sides(server: embedded.Server) -> Generator[tuple[str, str]]:
    """The names of two equal databases."""
    with fix_postgres.fresh_database(server) as left, fix_postgres.fresh_database(server) as right:
        for name in (left, right):
            with database.connect(server.dsn(name)) as connection:
                connection.execute(SCHEMA)
        yield left, right


def change(server: embedded.Server, name: str) -> None:
    with database.connect(server.dsn(name)) as connection:
        connection.execute(CHANGES)


def test_equal(server: embedded.Server, sides: tuple[str, str]) -> None:
    left, right = sides
    done = fix_command.run("compare", "env:L", "env:R", L=server.dsn(left), R=server.dsn(right))
    assert done.returncode == 0
    assert " EQUAL " in done.stdout
    assert done.stderr == ""


def test_different(server: embedded.Server, sides: tuple[str, str], tmp_path: Path) -> None:
    left, right = sides
    change(server, right)
    file = tmp_path / "drift.json"
    done = fix_command.run(
        "compare", "env:L", "env:R", "--json", file, L=server.dsn(left), R=server.dsn(right)
    )
    assert done.returncode == 1
    assert " DIFFERENT " in done.stdout
    lines = done.stdout.splitlines()
    assert "+ table public.extra: only right" in lines
    assert "- function public.total(integer): only left" in lines
    changed = lines.index("~ column public.orders.total: not the same")
    assert lines[changed + 1 : changed + 3] == ["    - numeric(10,2)", "    + numeric(12,2)"]
    found = json.loads(file.read_text())
    assert found["verdict"] == "different"
    assert (found["left"]["database"], found["right"]["database"]) == (left, right)
    named = {
        f"{each['kind']} {each['object']}": (each["before"], each["after"]) for each in found["differences"]
    }
    assert set(named) == {
        "table public.extra",
        "function public.total(integer)",
        "column public.orders.total",
        "policy public.orders.own",
    }
    assert named["column public.orders.total"] == ("numeric(10,2)", "numeric(12,2)")
    assert named["table public.extra"][0] is None


def test_json_on_standard_output_is_all_that_is_there(
    server: embedded.Server, sides: tuple[str, str]
) -> None:
    left, right = sides
    change(server, left)
    done = fix_command.run(
        "compare", "env:L", "env:R", "--json", "-", L=server.dsn(left), R=server.dsn(right)
    )
    assert done.returncode == 1
    assert len(json.loads(done.stdout)["differences"]) == 4
    assert " DIFFERENT " in done.stderr


def test_refused(server: embedded.Server, tmp_path: Path) -> None:
    file = tmp_path / "drift.json"
    good = server.dsn("postgres")
    for name, dsn, said in (
        ("env:NOPE", "", "NOPE is not set"),
        ("postgresql://u:hunter22@h/d", "", "another form"),
        ("env:L", server.dsn("nowhere"), 'database "nowhere" does not exist'),
        ("env:L", "postgresql://postgres:hunter22@db.abcdefghijklmnopqrst.supabase.co:nope/postgres", "port"),
    ):
        done = fix_command.run("compare", "env:R", name, "--json", file, L=dsn, R=good)
        assert done.returncode == 2, done.stderr
        assert said in done.stderr
        assert "hunter22" not in done.stdout + done.stderr + file.read_text()
        assert json.loads(file.read_text())["verdict"] == "refused"
    assert fix_command.run("compare", "env:R", R=good).returncode == 2


def test_unavailable(server: embedded.Server) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        dsn = f"postgresql://u:hunter22@127.0.0.1:{port}/postgres?sslmode=disable"
        done = fix_command.run("compare", "env:L", "env:R", L=dsn, R=server.dsn("postgres"))
    assert done.returncode == 3
    assert "env:L" in done.stderr
    assert "hunter22" not in done.stdout + done.stderr


def test_a_lock_in_the_way_is_unavailable(
    server: embedded.Server, sides: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("L", server.dsn(sides[0]))
    with database.connect(server.dsn(sides[0])) as other:
        other.execute("create view public.v as table public.orders; begin; lock table public.orders")
        monkeypatch.setattr(schema, "LOCK_TIMEOUT", timedelta(milliseconds=100))
        with pytest.raises(errors.Unavailable, match="55P03"):
            drift.compare("env:L", "env:L")


def test_roles_are_not_compared(
    server: embedded.Server,
    server15: embedded.Server,
    sides: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with database.connect(server.dsn(user=server.superuser)) as connection:
        connection.execute("create role only_here")
        monkeypatch.setenv("L", server.dsn(sides[0]))
        monkeypatch.setenv("R", server15.dsn())
        found = drift.compare("env:L", "env:R")
        connection.execute("drop role only_here")
    assert not any(each.kind in {"role", "role membership", "setting"} for each in found.differences)
    assert any("PostgreSQL 18, right is 15" in warning for warning in found.warnings)


def test_what_two_major_versions_only_say_differently_is_no_difference(
    server: embedded.Server, server15: embedded.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted = (
        f"{SCHEMA} alter table public.orders alter note set not null; grant all on public.orders to anon;"
    )
    with fix_postgres.fresh_database(server) as left, fix_postgres.fresh_database(server15) as right:
        for side, dsn in (("L", server.dsn(left)), ("R", server15.dsn(right))):
            monkeypatch.setenv(side, dsn)
            with database.connect(dsn) as connection:
                connection.execute(granted.encode())
        found = drift.compare("env:L", "env:R")
        # The two servers have other extensions, and that is true.
        assert [each for each in found.differences if "orders" in each.object] == []
        with database.connect(server15.dsn(right)) as connection:
            connection.execute("alter table public.orders alter note drop not null")
            connection.execute("revoke insert on public.orders from anon")
        found = drift.compare("env:L", "env:R")
    named = [each.object for each in found.differences if "orders" in each.object]
    assert named == ["public.orders.note", "table public.orders to anon"]


def test_what_only_one_login_is_told_is_not_compared(
    server: embedded.Server, sides: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in sides:
        with database.connect(server.dsn(name, user=server.superuser)) as connection:
            connection.execute(
                "create foreign data wrapper w; create server s foreign data wrapper w; "
                "create user mapping for postgres server s options (password 'hunter22')"
            )
    monkeypatch.setenv("L", server.dsn(sides[0]))
    monkeypatch.setenv("A", server.dsn(sides[1], user=server.superuser))
    found = drift.compare("env:L", "env:A")
    assert found.ok
    assert any("only a superuser" in warning for warning in found.warnings)
    with database.connect(server.dsn(sides[0], user=server.superuser)) as connection:
        connection.execute("alter user mapping for postgres server s options (set password 'hunter33')")
    monkeypatch.setenv("L", server.dsn(sides[0], user=server.superuser))
    found = drift.compare("env:L", "env:A")
    assert [each.kind for each in found.differences] == ["user mapping options"]
    assert "hunter" not in found.model_dump_json()
