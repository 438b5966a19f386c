"""A snapshot of a schema: whatever its objects are called, and whoever looks."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from ops import comparison, database, embedded, schema
from ops.catalog import Mirror
from tests.fix_postgres import fresh_database

# One object of each kind that may hold a secret, or that not everybody may read.
SECRETIVE = """
create foreign data wrapper w options (token 'hunter22');
create server s foreign data wrapper w options (api_key 'hunter22');
create user mapping for postgres server s options (password 'hunter22');
create user mapping for public server s;
create subscription sub connection 'password=hunter22' publication p with (connect = false, slot_name = none);
comment on subscription sub is 'said';
create schema hidden;
create table hidden.t (id int primary key, note text default 'x' check (note <> ''));
create view hidden.v with (security_barrier) as select id from hidden.t;
create function hidden.f(t hidden.t) returns int language sql as 'select 1';
revoke all on schema hidden from public;
revoke execute on function hidden.f from public;
alter default privileges in schema hidden grant select on tables to postgres;
"""


@pytest.fixture
def admin(bare: str) -> Generator[database.Connection]:
    with database.connect(bare) as connection:
        yield connection


def test_names_that_look_alike_are_told_apart(admin: database.Connection) -> None:
    quoted = ["a", "b", "a.b", 'a"b', "a\nb", 'a"."b', "A", "a b", "table a", "ä", "a.b on c", "--", "/*"]
    for one in quoted:
        name = _quoted(one)
        admin.execute(f"create schema {name}".encode())
        for other in quoted:
            table = f"{name}.{_quoted(other)}"
            admin.execute(
                f"create table {table} ({name} int constraint {name} check (true), zz int)".encode()
            )
            admin.execute(f"create policy {name} on {table} using (true)".encode())
            admin.execute(f"create index {_quoted('i ' + other)} on {table} ({name})".encode())
            admin.execute(f"comment on column {table}.{name} is 'x'".encode())
    number = len(quoted)
    found = schema.snapshot(admin)
    for kind, expected in (
        ("schema", number),
        ("table", number**2),
        ("policy", number**2),
        ("index", number**2),
    ):
        assert sum(key[0] == kind for key in found) - (kind == "schema") == expected


@pytest.mark.parametrize("name", ["a", "a.b", 'a"b', "a\nb", 'a"."b', "a b", "on t", "x to y", "--", "é"])
def test_what_belongs_to_a_table_goes_without_saying_whatever_it_is_called(
    admin: database.Connection, name: str
) -> None:
    mirror = Mirror.read(admin)
    n = _quoted(name)
    admin.execute(f"create schema {n}; create table {n}.{n} ({n} serial primary key, b int unique)".encode())
    assert _names(mirror.refresh(admin)) == {f"schema {n}", f"table {n}.{n}"}
    for statement in (
        f"create index {_quoted(name + '2')} on {n}.{n} (b)",
        f"create policy {n} on {n}.{n} using (true)",
        f"create statistics {n}.{_quoted(name + '3')} on b, {n} from {n}.{n}",
        f"create rule {n} as on delete to {n}.{n} do also nothing",
        f"comment on table {n}.{n} is 'x'",
        f"comment on column {n}.{n}.{n} is 'x'",
        f"comment on policy {n} on {n}.{n} is 'x'",
        f"grant select ({n}) on {n}.{n} to public",
    ):
        admin.execute(statement.encode())
        assert len(mirror.refresh(admin)) == 1, statement
    admin.execute(f"drop table {n}.{n}".encode())
    assert _names(mirror.refresh(admin)) == {f"table {n}.{n}"}


def test_one_without_rights_sees_all_but_secrets(
    server: embedded.Server, bare: str, admin: database.Connection
) -> None:
    admin.execute(SECRETIVE)
    admin.execute("create role nobody login")
    try:
        whole = schema.snapshot(admin)
        dsn = bare.replace(f"//{server.superuser}@", "//nobody@")
        with database.connect(dsn) as nobody:
            assert nobody.execute("select current_user").fetchone() == ("nobody",)
            seen = schema.snapshot(nobody)
            mirror = Mirror.read(nobody)
            admin.execute("create table hidden.n (id int); alter view hidden.v rename to vv")
            changed = mirror.refresh(nobody)
            assert mirror.snapshot == schema.snapshot(nobody)
    finally:
        admin.execute("drop role nobody; alter subscription sub disable; drop subscription sub")
    secret = {key for key in whole if key[0] in schema.SECRETS}
    assert {kind for kind, _ in secret} == schema.SECRETS
    assert seen == {key: text for key, text in whole.items() if key not in secret}
    assert _names(changed) == {"table hidden.n", "view hidden.v", "view hidden.vv"}
    assert "hunter22" not in "".join(whole.values())


def test_a_search_path_changes_nothing(admin: database.Connection) -> None:
    admin.execute("create table public.t (id int); create view public.v as table t")
    admin.execute("create function public.quote_ident(text) returns text language sql as 'select null::text'")
    admin.execute("create function public.never(text, text) returns boolean language sql as 'select false'")
    admin.execute("create operator public.= (leftarg = text, rightarg = text, function = public.never)")
    before = schema.snapshot(admin)
    admin.execute("set search_path = public, pg_catalog")
    assert schema.snapshot(admin) == before
    assert admin.execute("show search_path").fetchone() == ("public, pg_catalog",)


def test_in_a_transaction_that_goes_on(admin: database.Connection) -> None:
    admin.execute("create table public.t (id int)")
    before = schema.snapshot(admin)
    with admin.transaction():
        admin.execute("set local search_path = public")
        admin.execute("create table n (id int)")
        assert _names(comparison.between(before, schema.snapshot(admin))) == {"table public.n"}
        admin.execute("drop table n")
    assert schema.snapshot(admin) == before


def _quoted(name: str) -> str:
    # As the server does it: only where it must be.
    if name.isascii() and name.isidentifier() and name.islower():
        return name
    return '"' + name.replace('"', '""') + '"'


def _names(delta: schema.Delta) -> set[str]:
    return {f"{each.kind} {each.object}" for each in comparison.differences(delta)}


@pytest.mark.parametrize("major", [15, 18])
def test_what_the_server_keeps_at_a_column_for_itself_is_no_property_of_it(
    major: int, request: pytest.FixtureRequest
) -> None:
    server: embedded.Server = request.getfixturevalue("server15" if major == 15 else "server")
    with fresh_database(server) as name, database.connect(server.dsn(name)) as connection:
        connection.execute("create table public.notes (id int, body text)")
        plain = schema.snapshot(connection)
        assert plain["column", "public.notes.id"] == "integer"
        connection.execute("alter table public.notes alter body set (n_distinct = 5)")
        assert schema.snapshot(connection)["column", "public.notes.body"] == "text with n_distinct=5"
