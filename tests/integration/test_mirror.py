"""A mirror of a schema stays true whatever happens to the catalogs and to the WAL between two looks."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack

import pytest

from ops import catalog, comparison, database, embedded, schema, wal
from ops.catalog import Mirror
from ops.schema import Delta
from tests import fix_postgres

Connect = Callable[[], database.Connection]


class Watched:
    """A database, sessions of it, and a mirror that looks at it in one of the two ways."""

    def __init__(self, stack: ExitStack, dsn: str, wal_dsn: str | None) -> None:
        self._stack, self._dsn = stack, dsn
        self.session, self.observer = self.connect(), self.connect()
        self._wal = stack.enter_context(database.connect(wal_dsn)) if wal_dsn else None
        self.mirror = Mirror.read(self.observer, self._wal)
        assert (self.mirror.wal is not None) == (wal_dsn is not None)

    def connect(self) -> database.Connection:
        return self._stack.enter_context(database.connect(self._dsn))

    def after(self, *statements: str) -> set[str]:
        """Run statements, look, and return the names of what is seen to be different."""
        for statement in statements:
            self.session.execute(statement.encode())
        return self.seen()

    def seen(self) -> set[str]:
        before = self.mirror.snapshot
        delta = self.mirror.refresh(self.observer)
        assert self.mirror.snapshot == schema.snapshot(self.observer)
        assert delta == comparison.between(before, self.mirror.snapshot)
        return _names(delta)


def _names(delta: Delta) -> set[str]:
    return {f"{each.kind} {each.object}" for each in comparison.differences(delta)}


@pytest.fixture(params=["by the WAL", "by sums"])
def watched(request: pytest.FixtureRequest, server: embedded.Server, bare: str) -> Generator[Watched]:
    with ExitStack() as stack:
        with database.connect(bare) as connection:
            connection.execute(
                "create table public.t (id int primary key, a int); create view public.v as table public.t"
            )
        follows = request.param == "by the WAL"
        yield Watched(stack, bare, server.dsn(user=server.superuser) if follows else None)


def test_nothing_has_changed(watched: Watched) -> None:
    assert watched.after("insert into public.t select generate_series(1, 1000)", "analyze", "vacuum") == set()


@pytest.mark.parametrize("name", ["pg_class", "pg_attribute", "pg_proc", "pg_policy", "pg_description"])
def test_a_catalog_is_written_anew(watched: Watched, name: str) -> None:
    assert watched.after(f"vacuum full pg_catalog.{name}") == set()
    assert watched.after("create policy p on public.t using (true)") == {"policy public.t.p"}
    assert watched.after("drop policy p on public.t") == {"policy public.t.p"}


def test_another_session_commits_after_the_look(watched: Watched) -> None:
    other = watched.connect()
    other.execute("begin")
    other.execute("create table public.later (id int); alter table public.t rename a to renamed")
    for name in ("sooner", "again"):
        watched.session.execute(f"create table public.{name} (id int)".encode())
        assert _names(watched.mirror.refresh(watched.observer)) == {f"table public.{name}"}
    other.execute("commit")
    assert {"table public.later", "column public.t.renamed", "view public.v"} <= watched.seen()
    assert watched.seen() == set()


def test_another_session_gives_up_after_the_look(watched: Watched) -> None:
    other = watched.connect()
    other.execute("begin")
    other.execute("create table public.never (id int)")
    assert watched.seen() == set()
    other.execute("rollback")
    assert watched.seen() == set()


def test_a_commit_that_did_not_wait_for_the_wal(watched: Watched) -> None:
    watched.session.execute("set synchronous_commit = off")
    for number in range(20):
        assert watched.after(f"create table public.n{number} (id int)") == {f"table public.n{number}"}


def test_subtransactions(watched: Watched) -> None:
    kept = "begin; savepoint a; create table public.kept (id int); release a"
    undone = "savepoint b; create table public.undone (id int); drop view public.v; rollback to b"
    caught = (
        "do $$ begin begin execute 'create table public.caught (id int)'; raise 'x'; exception when others then "
        "execute 'create table public.handled (id int)'; end; end $$"
    )
    assert watched.after(kept, undone, caught, "commit") == {"table public.kept", "table public.handled"}
    assert watched.after("begin; savepoint a", "drop table public.kept", "release a; commit") == {
        "table public.kept"
    }


def test_a_change_and_its_undoing_in_one_go(watched: Watched) -> None:
    assert watched.after("alter table public.t add b int", "alter table public.t drop b") == set()
    assert (
        watched.after("begin; drop view public.v", "create view public.v as table public.t; commit") == set()
    )


def test_temporary_tables_are_nobodys_business(watched: Watched) -> None:
    assert watched.after("create temp table t (id int)", "create temp view v as table t") == set()
    assert watched.after("create function pg_temp.f() returns int language sql as 'select 1'") == set()
    with watched.session.transaction():
        watched.session.execute("create temp table u (id serial primary key) on commit drop")
        assert watched.mirror.preview(watched.session) == {}
    assert watched.after("drop table pg_temp.t cascade") == set()


def test_left_out_schemas_are_nobodys_business(watched: Watched) -> None:
    for name in ("runbooks", "supabase_migrations"):
        assert watched.after(f"create schema {name}", f"create table {name}.t (id int primary key)") == set()
        assert (
            watched.after(f"comment on table {name}.t is 'x'", f"grant select on {name}.t to public") == set()
        )
        assert watched.after(
            f"create type {name}.e as enum ('a'); create table public.{name} (e {name}.e)"
        ) == {f"table public.{name}"}
        assert watched.after(f"drop schema {name} cascade") == {f"column public.{name}.e"}


def test_a_role_has_another_name(watched: Watched) -> None:
    watched.after(
        "create role mirrored",
        "grant select on public.t to mirrored",
        "alter table public.t owner to mirrored",
    )
    renamed = watched.after("alter role mirrored rename to reflected")
    assert renamed >= {
        "role mirrored",
        "role reflected",
        "grant table public.t to reflected",
        "table public.t",
    }
    assert watched.after("grant pg_monitor to reflected") == {"role membership reflected in pg_monitor"}
    assert watched.after("alter role reflected set work_mem = '1MB'") == {"setting reflected"}
    gone = watched.after(
        "reassign owned by reflected to current_user", "drop owned by reflected", "drop role reflected"
    )
    assert gone >= {"role reflected", "table public.t"}


def test_an_extension_comes_moves_and_goes(watched: Watched) -> None:
    assert watched.after("create extension hstore version '1.4'") == {"extension hstore"}
    assert watched.after("alter table public.t add h public.hstore") == {"column public.t.h"}
    assert watched.after("alter extension hstore update to '1.8'") == {"extension hstore"}
    moved = watched.after("create schema elsewhere", "alter extension hstore set schema elsewhere")
    assert moved >= {"extension hstore", "column public.t.h", "schema elsewhere"}
    assert watched.after("drop extension hstore cascade") == {"extension hstore", "column public.t.h"}


def test_an_object_of_an_extension_has_another_name(watched: Watched) -> None:
    watched.after("create extension hstore", "alter table public.t add h public.hstore")
    assert watched.after("alter type public.hstore rename to store") == {"column public.t.h"}


def test_tables_whose_rows_were_written_anew_are_named(watched: Watched) -> None:
    watched.after("alter table public.t add b text")
    assert watched.mirror.rewritten == ()
    watched.after(
        "drop view public.v", "alter table public.t alter a type bigint", "create table public.n (id int)"
    )
    assert watched.mirror.rewritten == ("public.t",)
    watched.after("comment on table public.t is 'x'")
    assert watched.mirror.rewritten == ()


def test_a_preview_leaves_the_session_as_it_was(watched: Watched) -> None:
    session = watched.session
    session.execute("set search_path = public, pg_catalog")
    shown = session.execute("select name, setting from pg_settings order by 1").fetchall()
    with session.transaction(force_rollback=True):
        session.execute("create table n (id int); alter table t rename a to b")
        seen = _names(watched.mirror.preview(session))
        assert session.execute("select name, setting from pg_settings order by 1").fetchall() == shown
    assert seen >= {"table public.n", "column public.t.b", "view public.v"}
    assert watched.seen() == set()


@pytest.mark.parametrize("number", [3, 60])
def test_what_a_look_asks_about_does_not_grow_with_the_schema(
    watched: Watched, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.after(*(f"create table public.n{n} (id int primary key, t text)" for n in range(number)))
    described: list[schema.Root] = []
    describe = schema.describe

    def counting(connection: database.Connection, wanted: set[schema.Root]) -> schema.Described:
        described.extend(wanted)
        return describe(connection, wanted)

    monkeypatch.setattr(schema, "describe", counting)
    watched.mirror.refresh(watched.observer)
    described.clear()
    watched.session.execute("create policy p on public.n1 using (true); create index on public.n2 (t)")
    watched.mirror.refresh(watched.observer)
    assert len({root for root in described if root != schema.GLOBALS}) <= 5


def test_the_wal_is_too_far_to_read(
    server: embedded.Server, bare: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        watched = Watched(stack, bare, server.dsn(user=server.superuser))
        monkeypatch.setattr(wal, "FARTHEST_BYTES", 1000)
        assert watched.after("create table public.far (id int)") == {"table public.far"}
        assert watched.after("drop table public.far") == {"table public.far"}


def test_a_segment_of_the_wal_is_gone(
    server: embedded.Server, bare: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        watched = Watched(stack, bare, server.dsn(user=server.superuser))
        monkeypatch.setattr(wal, "FARTHEST_BYTES", 2**40)
        assert watched.mirror.wal
        segment = watched.session.execute("select pg_walfile_name(%s)", [watched.mirror.wal.start]).fetchone()
        watched.session.execute("create table public.unseen (id int)")
        there = {segment}
        while segment in there:
            watched.session.execute("select pg_switch_wal()")
            watched.session.execute("checkpoint")
            there = set(watched.session.execute("select name from pg_ls_waldir()").fetchall())
        assert watched.seen() == {"table public.unseen"}
        assert watched.after("create table public.seen (id int)") == {"table public.seen"}


def test_one_who_may_not_read_the_wal_looks_by_sums(server: embedded.Server, shaped: str) -> None:
    with database.connect(shaped) as observer, database.connect(server.dsn()) as login:
        mirror = catalog.Mirror.read(observer, login)
        assert mirror.wal is None
        observer.execute("create table public.n (id int)")
        assert _names(mirror.refresh(observer)) == {"table public.n"}


def test_the_oldest_server(server15: embedded.Server) -> None:
    with fix_postgres.fresh_database(server15) as name, ExitStack() as stack:
        watched = Watched(stack, server15.dsn(name, user=server15.superuser), None)
        watched.after("create table public.t (id int primary key)")
        assert watched.after("vacuum full pg_catalog.pg_class", "create index i on public.t (id)") == {
            "index public.i"
        }
        assert watched.after("drop table public.t") == {"table public.t"}
