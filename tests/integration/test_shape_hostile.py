"""A hostile file stays what `postgres` is: nothing of its own ever runs as a superuser."""

from __future__ import annotations

import psycopg
import pytest

from ops import shape
from ops.execution import StatementFailed
from tests.fix_hosted import Hosted

WITNESS = """
create table public.seen (who name, superuser boolean);
grant all on public.seen to public;
create function public.witness() returns void language sql as $$
    insert into public.seen select current_user, rolsuper from pg_roles where rolname = current_user
$$;
create function public.on_event() returns event_trigger language plpgsql as 'begin perform public.witness(); end';
create function public.on_row() returns trigger language plpgsql
as 'begin perform public.witness(); return new; end';
"""
EVENT = "create event trigger e on ddl_command_end execute function public.on_event();"

TRIES = {
    "event trigger of an extension's objects": EVENT + "create extension citext; create extension pg_cron",
    "event trigger of an update": EVENT + "create extension hstore; alter extension hstore update",
    "event trigger of what is lent": EVENT + "create publication p for all tables",
    "event trigger of a drop": "create event trigger d on sql_drop execute function public.on_event();"
    "create extension citext; drop extension citext",
    "trigger on a queue": "create extension pg_net; create trigger t before insert on net.http_request_queue"
    " for each row execute function public.on_row(); select net.http_post('http://a')",
    "search path": "create extension pg_net; create schema evil;"
    "create function evil.lower(text) returns text language plpgsql"
    " as 'begin perform public.witness(); return pg_catalog.lower($1); end';"
    "set local search_path = evil, pg_catalog, public, net; select net.http_post('http://a')",
    "trigger on a webhook's table": "create trigger t before insert on supabase_functions.hooks for each row"
    " execute function public.on_row(); create trigger w after insert on public.seen for each row"
    " when (new.who = 'x') execute function supabase_functions.http_request('http://a', 'POST');"
    "insert into public.seen values ('x', false)",
    "trigger on auth.users": "create trigger t after insert on auth.users for each row"
    ' execute function public.on_row(); create extension "basejump-supabase_test_helpers";'
    "select tests.create_supabase_user('a')",
    "trigger on keys": "create extension pgsodium; create trigger t before insert on pgsodium.key for each row"
    " execute function public.on_row(); select pgsodium.create_key(name := 'a')",
    "extension as text": "create extension pg_tle;"
    "select pgtle.install_extension('own', '1', '', 'select public.witness()'); create extension own",
}

REFUSED = {
    "a block that only talks of event triggers": "do $$ begin -- create event trigger\n"
    "copy public.seen to program 'true'; end $$",
    "an event trigger's name": "do $$ begin create event trigger \"e on x; alter role postgres superuser; --\""
    " on sql_drop execute function public.on_event(); copy public.seen to program 'true'; end $$",
    "the trigger of another": "do $$ begin create event trigger e on login_or_so"
    " execute function public.on_event(); end $$",
    "trigger on jobs": "create extension pg_cron; create trigger t before insert on cron.job for each row"
    " execute function public.on_row()",
    "trigger on secrets": "create trigger t before insert on vault.secrets for each row"
    " execute function public.on_row()",
    "a role of the server's files": "grant pg_execute_server_program to postgres",
    "a function of a superuser": "alter function public.witness() owner to supabase_admin",
    "an unsafe language": "create language plpython3u",
    "a login without a password": "create extension dblink;"
    "select dblink_connect('dbname=postgres user=supabase_admin')",
}  # fmt: skip


@pytest.mark.parametrize("text", TRIES.values(), ids=TRIES.keys())
def test_nothing_of_its_own_runs_as_a_superuser(hosted: Hosted, text: str) -> None:
    connection = hosted.connection
    connection.execute("begin")
    hosted.run(WITNESS)
    hosted.run(text)
    assert hosted.ask("select count(*) from public.seen where superuser") == 0


def test_the_witness_would_see_a_superuser(hosted: Hosted) -> None:
    before, after = shape.elevated("create_publication_stmt", "create publication p for all tables") or (
        "",
        "",
    )
    hosted.connection.execute("begin")
    hosted.run(WITNESS)
    hosted.connection.execute(before)
    hosted.run("select public.witness()")
    hosted.connection.execute(after)
    assert hosted.ask("select superuser from public.seen") is True


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_it_is_refused(hosted: Hosted, text: str) -> None:
    hosted.connection.execute("begin")
    hosted.run(WITNESS)
    with pytest.raises(StatementFailed):
        hosted.run(text)


def test_the_key_is_not_to_be_found(hosted: Hosted) -> None:
    before, _ = shape.elevated("create_publication_stmt", "create publication p for all tables") or ("", "")
    key = before.split("'")[1]
    hosted.connection.execute("begin")
    hosted.run("create publication p for all tables")
    for query in (
        "select string_agg(query, ' ') from pg_stat_activity where pid = pg_backend_pid()",
        "select string_agg(query, ' ') from extensions.pg_stat_statements",
        "select string_agg(prosrc, ' ') from pg_proc",
    ):
        assert key not in str(hosted.ask(query))
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="wrong key"):
        hosted.ask("select runbooks.lend_superuser('0')")
