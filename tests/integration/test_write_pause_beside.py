"""What stands in the way of a pause, and what is paused besides rights: each is seen, named, and comes back."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest

from ops import embedded, errors, journal, write_pause, write_pause_back
from ops.write_pause import Site
from tests import fix_app, fix_pause, fix_switch
from tests.fix_postgres import fresh_database

FLAG = 'flag = "maintenance"\n[flags]\nknown = ["maintenance"]\n'
HANDED_ON = """\
create role handed_on nologin;
create table public.chain (id int);
grant insert, update on public.chain to service_role with grant option;
grant insert on public.chain to anon;
set role service_role;
grant insert on public.chain to handed_on with grant option;
set role handed_on;
grant insert on public.chain to authenticated;
"""
FLAGS = "select config_value ->> 'maintenance' from public.bot_config where environment = 'production' and "


def site_of(tmp_path: Path, dsn: str, more: str = "") -> Site:
    return fix_pause.site(fix_pause.write(tmp_path, dsn, more=more), dsn)


def test_the_page_the_flag_and_the_jobs_come_back_with_the_rights(tmp_path: Path, shaped: str):
    fix_app.execute(shaped, fix_pause.TABLES + fix_switch.BOT_CONFIG)
    fix_app.execute(shaped, "create extension pg_cron; select cron.schedule('tidy', '* * * * *', 'select 1')")
    page = f'on = "touch {tmp_path / "page"}"\noff = "rm {tmp_path / "page"}"\n'
    site = site_of(tmp_path, shaped, page + FLAG)
    before = fix_switch.rows(shaped, "public.bot_config")
    fix_pause.pause(site)
    assert fix_app.ask(shaped, f"{FLAGS} config_key = 'feature_flags'") == [("true",)]
    assert fix_app.ask(shaped, "select active from cron.job") == [(False,)]
    assert (tmp_path / "page").exists()
    assert write_pause.resume(site).ok
    assert fix_switch.rows(shaped, "public.bot_config") == before
    assert fix_app.ask(shaped, "select active from cron.job") == [(True,)]
    assert not (tmp_path / "page").exists()


def test_a_page_that_cannot_be_shown_stops_the_pause_before_anything_is_revoked(tmp_path: Path, shaped: str):
    fix_app.execute(shaped, fix_pause.TABLES)
    before = fix_pause.acls(shaped)
    site = site_of(tmp_path, shaped, 'on = "false"\n')
    with pytest.raises(errors.CheckFailed, match="ended with exit code 1"):
        fix_pause.pause(site)
    assert fix_pause.acls(shaped) == before
    assert site.read().has("begun"), "a run that goes on knows that it has begun"


def test_rights_that_were_handed_on_come_back_from_whom_they_came(tmp_path: Path, server: embedded.Server):
    with fresh_database(server) as name:
        admin = server.dsn(name, user=server.superuser)
        fix_app.execute(admin, HANDED_ON)
        try:
            before = fix_pause.acls(admin)
            site = site_of(tmp_path, admin)
            fix_pause.pause(site)
            asked = "select r, has_table_privilege(r, 'public.chain', 'insert, update') from unnest(%s) r"
            roles = "'{anon,authenticated,service_role,handed_on}'::text[]"
            assert {able for _, able in fix_app.ask(admin, asked.replace("%s", roles))} == {False}
            assert write_pause.resume(site).ok
            assert fix_pause.acls(admin) == before
        finally:
            fix_app.execute(admin, "drop table public.chain; drop role handed_on")


def test_what_is_gone_or_changed_meanwhile_is_said_and_the_rest_comes_back(tmp_path: Path, shaped: str):
    fix_app.execute(shaped, fix_pause.TABLES)
    site = site_of(tmp_path, shaped)
    fix_pause.pause(site)
    with psycopg.connect(shaped, autocommit=True) as owner:
        owner.execute("set default_transaction_read_only = off")
        owner.execute('drop table public."Odd table"')
        owner.execute("grant insert on public.notes to anon")
    assert not fix_pause.prove(site).ok, "somebody has granted it again"
    assert not fix_pause.pause(site).idle, "what the app has got meanwhile is taken as well"
    assert fix_pause.prove(site).ok
    back = write_pause.resume(site)
    assert not back.ok
    assert 'it is gone: INSERT on table public."Odd table" to authenticated by postgres' in back.summary
    assert fix_app.ask(shaped, "select has_table_privilege('anon', 'public.notes', 'insert')") == [(True,)]


def test_a_prepared_transaction_is_named_and_left_to_its_coordinator(tmp_path: Path):
    with (
        embedded.running(settings={"max_prepared_transactions": "5"}) as server,
        fresh_database(server) as name,
    ):
        dsn = server.dsn(name)
        fix_app.execute(dsn, fix_pause.TABLES)
        site = site_of(tmp_path, dsn)
        with psycopg.connect(dsn, autocommit=True) as owner:
            owner.execute("begin")
            owner.execute("insert into public.notes (body) values ('prepared')")
            owner.execute("prepare transaction 'half done'")
        fix_pause.pause(site)
        found = fix_pause.prove(site)
        assert not found.ok
        assert "prepared transaction 'half done': of postgres" in found.summary
        with psycopg.connect(dsn, autocommit=True) as owner:
            owner.execute("rollback prepared 'half done'")
        assert fix_pause.prove(site).ok


def test_two_at_once_pause_it_once_and_the_second_is_told_who_is_at_it(tmp_path: Path, shaped: str):
    fix_app.execute(shaped, fix_pause.TABLES)
    site = site_of(tmp_path, shaped)
    with journal.held(shaped, "another run"), pytest.raises(errors.Refused, match="another run"):
        fix_pause.pause(site)
    before = fix_pause.acls(shaped)
    outcomes: list[str] = []

    def act(run: str) -> None:
        try:
            fix_pause.pause(fix_pause.site(site.project.root, shaped, run))
            outcomes.append("paused")
        except errors.Refused as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=act, args=(f"run-{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "paused" in outcomes
    assert {said for said in outcomes if said != "paused" and "Another run" not in said} == set()
    assert [each.event for each in site.read().open] == ["begun", "paused", "sessions-ended"]
    assert write_pause.resume(site).ok
    assert fix_pause.acls(shaped) == before


def test_that_the_app_writes_again_is_proven_by_a_write(tmp_path: Path, shaped: str):
    fix_app.execute(shaped, fix_pause.TABLES)
    site = site_of(tmp_path, shaped)
    fix_pause.pause(site)
    rows = {
        row["what"]: row for row in write_pause_back.prove(shaped, site.environment.pause, run="run").rows
    }
    assert rows["new sessions"]["ok"] is False
    write_pause.resume(site)
    found = write_pause_back.prove(shaped, site.environment.pause, run="run")
    assert found.ok, found.summary
    assert "anon, authenticated, service_role" in found.summary
    assert fix_app.ask(shaped, "select count(*) from public.notes where body = 'note 1'") == [(1,)]
