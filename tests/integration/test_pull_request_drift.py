"""Every kind of change is found on a live database, named as it is there, and gone when it is undone."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import pytest

from ops import database, embedded, errors, pull_request_drift, schema
from ops.drift import reading
from ops.pull_request_drift import Expected
from ops.pull_request_result import StagingDrift
from tests import drift
from tests.drift import databases
from tests.drift.kind import Kind

KINDS = [
    pytest.param(group, kind, id=f"{group}-{kind}") for group, kinds in drift.GROUPS.items() for kind in kinds
]


@dataclass
class Live:
    """A live staging, and what its migrations should have made of it."""

    server: embedded.Server
    name: str
    session: database.Connection
    expected: Expected

    def drift(self, *ignore: str) -> StagingDrift:
        staging = pull_request_drift.observe("env:LIVE_STAGING", ())
        return pull_request_drift.judge(staging, self.expected, ignore=ignore)


class Stagings:
    """The staging of one group of changes at a time."""

    def __init__(self, server: embedded.Server, environment: pytest.MonkeyPatch) -> None:
        self._server, self._environment = server, environment
        self._group = ""
        self._live: Live | None = None

    def of(self, group: str) -> Live:
        if self._live is None or self._group != group:
            self.end()
            self._live, self._group = self._made(group), group
        return self._live

    def end(self) -> None:
        """See that all that was changed and undone is as it was."""
        if self._live:
            assert self._live.drift().differences == ()
        self.close()

    def close(self) -> None:
        if self._live:
            self._live.session.close()
            databases.drop(self._server, self._live.name)
            self._live = None

    def _made(self, group: str) -> Live:
        server = self._server
        databases.make_roles(server)
        kinds = tuple(k for k in drift.GROUPS[group] if k.since <= server.major <= k.until)
        with database.connect(server.dsn("postgres", user=server.superuser)) as empty:
            bare = schema.snapshot(empty)
        with databases.built(server, kinds) as template:
            name = f"live_{group}"
            embedded.create_database(server, name, template=template)
        databases.subscribe(server, name, kinds)
        session = databases.connect(server, name)
        usual = pull_request_drift.extensions(session)
        expected = Expected(schema.snapshot(session), bare, usual, server.major, "the base's migrations")
        self._environment.setenv("LIVE_STAGING", server.dsn(name, user=server.superuser))
        return Live(server, name, session, expected)


@pytest.fixture(scope="module")
def stagings(server: embedded.Server) -> Generator[Stagings]:
    with pytest.MonkeyPatch.context() as environment:
        made = Stagings(server, environment)
        yield made
        made.end()


@pytest.mark.parametrize(("group", "kind"), [each for each in KINDS if each.values[1].until > 15])
def test_a_change_is_found_on_a_live_database(stagings: Stagings, group: str, kind: Kind) -> None:
    live = stagings.of(group)
    sees = kind.sees.replace("DRIFT_OWNER", live.server.superuser)
    try:
        live.session.execute(kind.change.encode())
        found = live.drift()
        assert sees in {f"{each.kind} {each.object}" for each in found.differences}
        assert found.status == "differs"
        live.session.execute(kind.undo.encode())
    except BaseException:
        stagings.close()
        raise


# What hosted Supabase has by itself, and a database of our shape has not.
HOSTED = """
create table auth.oauth_clients (id uuid primary key, name text);
alter table auth.users add column newer boolean default false;
create function auth.audit() returns trigger language plpgsql as 'begin return new; end';
create trigger audit after insert on auth.users for each row execute function auth.audit();
create table storage.prefixes (bucket_id text, name text);
create function storage.enforce() returns trigger language plpgsql as 'begin return new; end';
create trigger enforce before insert on storage.objects for each row execute function storage.enforce();
drop policy if exists nothing on storage.objects;
create table realtime.messages_2026_11_21 (like realtime.messages);
create schema _analytics;
create schema pgtle;
create table _analytics.sources (id int);
create extension if not exists pg_graphql;
create publication supabase_realtime_messages_publication for table realtime.messages_2026_11_21;
create function extensions.pgrst_ddl_watch() returns event_trigger language plpgsql as 'begin end';
create event trigger pgrst_ddl_watch on ddl_command_end execute function extensions.pgrst_ddl_watch();
comment on event trigger pgrst_ddl_watch is 'tells PostgREST';
comment on schema auth is null;
grant execute on function pg_catalog.pg_read_file(text) to supabase_read_only_user;
grant usage on schema graphql_public to dashboard_user;
alter default privileges for role supabase_admin in schema extensions grant execute on functions to postgres;
"""
# What a person did beside the migrations.
DONE = {
    "create policy seen on storage.objects for select to anon using (true)": "policy storage.objects.seen",
    "create trigger hook after insert on auth.users for each row execute function public.hook()": (
        "trigger auth.users.hook"
    ),
    "create extension citext schema extensions": "extension citext",
    "create event trigger mine on ddl_command_end execute function public.mine()": "event trigger mine",
    "alter publication supabase_realtime add table public.mine": (
        "publication table supabase_realtime: public.mine"
    ),
    "revoke usage on schema public from anon": "grant schema public to anon",
    "alter default privileges for role postgres in schema public revoke all on tables from anon": (
        "default privileges tables of postgres in public to anon"
    ),
    "create schema side": "schema side",
    "alter table storage.objects disable row level security": "table storage.objects",
    "grant select on auth.users to anon": "grant table auth.users to anon",
    "grant select (email) on auth.users to authenticated": "grant table column auth.users.email to authenticated",
    "grant delete on realtime.messages to anon": "grant table realtime.messages to anon",
    "revoke all on storage.objects from authenticated": "grant table storage.objects to authenticated",
    "grant select on vault.secrets to public": "grant table vault.secrets to public",
}
PROJECT = """
create table public.mine (id int primary key);
create function public.hook() returns trigger language plpgsql as 'begin return new; end';
create function public.mine() returns event_trigger language plpgsql as 'begin end';
create policy own on storage.objects for select to authenticated using (owner = auth.uid());
create function extensions.ours() returns int language sql as 'select 1';
"""


@pytest.fixture
def hosted(server: embedded.Server, shaped_admin: str, monkeypatch: pytest.MonkeyPatch) -> Generator[Live]:
    """A staging with the project's own objects, also among the platform's."""
    monkeypatch.setenv("LIVE_STAGING", shaped_admin)
    with database.connect(shaped_admin) as session:
        bare = schema.snapshot(session)
        session.execute(PROJECT.encode())
        usual = pull_request_drift.extensions(session)
        expected = Expected(schema.snapshot(session), bare, usual, server.major, "all")
        yield Live(server, session.info.dbname, session, expected)


def test_what_the_platform_brings_along_is_no_drift(hosted: Live) -> None:
    hosted.session.execute(HOSTED.encode())
    found = hosted.drift()
    assert [f"{each.kind} {each.object}" for each in found.differences] == []
    assert found.platform > 100


@pytest.mark.parametrize("change", DONE, ids=lambda change: DONE[change].replace(" ", "-"))
def test_what_a_person_did_in_its_midst_is_drift(hosted: Live, change: str) -> None:
    assert hosted.drift().differences == ()
    hosted.session.execute(change.encode())
    assert DONE[change] in {f"{each.kind} {each.object}" for each in hosted.drift().differences}


def test_what_the_migrations_made_in_the_platforms_schemas_must_be_there(hosted: Live) -> None:
    hosted.session.execute("drop function extensions.ours(); drop policy own on storage.objects")
    assert [f"{each.kind} {each.object}" for each in hosted.drift().differences] == [
        "function extensions.ours()",
        "policy storage.objects.own",
    ]


def test_what_no_role_of_the_platform_owns_among_its_own_is_said(hosted: Live) -> None:
    hosted.session.execute(HOSTED.encode())
    hosted.session.execute("create function auth.peek() returns int language sql as 'select 1'")
    hosted.session.execute("alter function auth.peek() owner to postgres")
    hosted.session.execute("alter function auth.audit() owner to supabase_auth_admin")
    found = hosted.drift()
    assert (found.differences, len(found.warnings)) == ((), 1)
    assert "function auth.peek() (owner postgres)" in found.warnings[0]
    assert "auth.audit" not in found.warnings[0]


def test_the_version_of_an_extension_counts_where_a_migration_names_it(
    hosted: Live,
) -> None:
    hosted.session.execute("create extension intarray version '1.3'")
    pinned = Expected(
        schema.snapshot(hosted.session), hosted.expected.bare, hosted.expected.extensions, 18, ""
    )
    hosted.session.execute("alter extension intarray update to '1.5'")
    by_itself = Expected(
        schema.snapshot(hosted.session), hosted.expected.bare, hosted.expected.extensions, 18, ""
    )
    staging = pull_request_drift.observe("env:LIVE_STAGING", ())
    assert [each.object for each in pull_request_drift.judge(staging, pinned).differences] == ["intarray"]
    hosted.session.execute("drop extension intarray; create extension intarray version '1.3'")
    staging = pull_request_drift.observe("env:LIVE_STAGING", ())
    assert pull_request_drift.judge(staging, by_itself).differences == ()


def test_the_comment_that_comes_with_an_extension_is_its_servers(hosted: Live) -> None:
    hosted.session.execute("comment on extension pgcrypto is null")
    assert hosted.drift().differences == ()
    hosted.session.execute("comment on extension pgcrypto is 'ours'")
    assert [each.object for each in hosted.drift().differences] == ["extension pgcrypto"]


def test_what_is_ignored_is_counted_and_a_glob_without_use_is_named(hosted: Live) -> None:
    hosted.session.execute("create table public.tmp_1 (id int); create table public.kept (id int)")
    found = hosted.drift("table public.tmp_*", "index public.none")
    assert [each.object for each in found.differences] == ["public.kept"]
    assert (found.ignored, found.idle_globs) == (1, ("index public.none",))
    assert hosted.drift("table public.*").status == "equal"


def test_staging_is_only_read(hosted: Live) -> None:
    with (
        pytest.raises(errors.Refused, match="read-only transaction"),
        reading("env:LIVE_STAGING") as connection,
    ):
        connection.execute("create table public.written ()")
    with hosted.session.transaction():
        # Nothing that reads waits for this lock, and whatever writes would.
        hosted.session.execute("lock table public.mine in exclusive mode")
        assert hosted.drift().status == "equal"
