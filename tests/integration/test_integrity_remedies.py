"""What a finding says to run is run: it works, it cures, and what it was about works again."""

from __future__ import annotations

import re
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psycopg
import pytest

from ops import database, embedded, integrity, settings
from tests import fix_postgres, polling
from tests.sound import Site

CODES = (
    "create sequence public.codes {}; create table public.coded (code {} {} default nextval('public.codes'));"
)
FIVE = "insert into public.coded values (1), (2), (3), (4), (5)"
INSERT = "insert into public.coded default values"


@dataclass(frozen=True)
class Case:
    """How something is broken, what is said of it, and what fails until it is mended."""

    breaking: str
    says: str
    fails: str = ""
    count: int = 0


CASES = {
    "behind": Case(CODES.format("", "int", "primary key") + FIVE, "fails as a duplicate", INSERT, 5),
    "behind, of a numeric column": Case(
        CODES.format("", "numeric", "unique") + FIVE, "fails as a duplicate", INSERT, 5
    ),
    "behind, of a domain": Case(
        "create domain public.code as int;" + CODES.format("", "public.code", "unique") + FIVE,
        "fails as a duplicate",
        INSERT,
        5,
    ),
    "behind, and nothing keeps the column unique": Case(
        CODES.format("", "int", "") + FIVE, "has a number that another row has", count=5
    ),
    "behind by every other number": Case(
        CODES.format("increment 2", "int", "primary key") + FIVE, "fails as a duplicate", INSERT, 3
    ),
    "behind downwards by threes": Case(
        CODES.format("increment -3 start 9 maxvalue 9 minvalue 0", "int", "primary key")
        + FIVE
        + ", (9), (6)",
        "fails as a duplicate",
        INSERT,
        3,
    ),
    "behind, with rows beyond its end": Case(
        CODES.format("maxvalue 100", "int", "primary key") + FIVE + ", (101), (5000)",
        "fails as a duplicate",
        INSERT,
        5,
    ),
    "behind, with numbers in its cache": Case(
        CODES.format("cache 10", "int", "primary key") + FIVE, "fails as a duplicate", INSERT, 5
    ),
    "at its end": Case(
        CODES.format("maxvalue 3", "bigint", "primary key") + "select setval('public.codes', 3)",
        "has given out its last number (3)",
        INSERT,
    ),
    "at its end downwards": Case(
        CODES.format("increment -1 minvalue -3", "bigint", "primary key")
        + "select setval('public.codes', -3)",
        "has given out its last number (-3)",
        INSERT,
    ),
    "at the end of a serial": Case(
        "create table public.coded (code serial primary key); select setval('public.coded_code_seq', 2147483647)",
        "has given out its last number (2,147,483,647)",
        INSERT,
    ),
    "at the end of a serial of which only the column was widened": Case(
        "create table public.coded (code serial primary key); select setval('public.coded_code_seq', 2147483647);"
        "alter table public.coded alter column code type bigint",
        "has given out its last number (2,147,483,647)",
        INSERT,
    ),
    "at the end of an identity": Case(
        "create table public.coded (code smallint generated always as identity primary key);"
        "select setval('public.coded_code_seq', 32767)",
        "has given out its last number (32,767)",
        INSERT,
    ),
    "beyond the column": Case(
        CODES.format("", "int", "primary key") + "select setval('public.codes', 2147483647)",
        "is 2,147,483,648, which public.coded.code (integer) cannot hold",
        INSERT,
    ),
    "an INVALID index": Case(
        "create unique index by_title on public.tickets (title);"
        "update pg_index set indisvalid = false where indexrelid = 'public.by_title'::regclass",
        "is INVALID",
        count=1,
    ),
    "what a REINDEX left": Case(
        'create index "by_Title_ccnew1" on public.tickets (title);'
        "update pg_index set indisvalid = false where indexrelid = 'public.\"by_Title_ccnew1\"'::regclass",
        "is INVALID",
        count=1,
    ),
    "what a DROP INDEX left": Case(
        "create index by_title on public.tickets (title); update pg_index set indisvalid = false,"
        " indisready = false, indislive = false where indexrelid = 'public.by_title'::regclass",
        "is half dropped",
        count=1,
    ),
    "a check": Case(
        'alter table public.tickets add constraint "Odd ""one" check (number > 0) not valid',
        "and none breaks it",
    ),
    "a domain": Case(
        "create domain public.word as text; alter table public.tickets add w public.word;"
        'alter domain public.word add constraint "Odd ""one" check (length(value) < 9) not valid',
        "and none breaks it",
    ),
}


@pytest.fixture
def site(each_server: embedded.Server) -> Generator[Site]:
    """A database with rows in which nothing is wrong, on each server."""
    with fix_postgres.fresh_database(each_server) as name:
        yield Site.healthy(each_server, name)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_a_finding_says_to_run_mends_it(site: Site, case: Case):
    site.run(case.breaking)
    (finding,) = site.look().findings
    assert (finding.count, case.says in finding.why) == (case.count, True), finding
    if case.fails:
        with pytest.raises(psycopg.Error):
            site.run(case.fails)
    commands = re.findall("`([^`]+)`", finding.remedy)
    assert commands, finding.remedy
    for command in commands:
        site.run(command)
    assert site.look().ok, site.look()
    if case.fails:
        site.run(case.fails)


def test_two_tables_of_one_sequence_are_mended_in_any_order(site: Site):
    site.run(
        CODES.format("", "int", "primary key")
        + "create table public.others (code int primary key default nextval('public.codes'));"
        + FIVE
        + "; insert into public.others values (1), (2)"
    )
    commands = [command for each in site.look().findings for command in re.findall("`([^`]+)`", each.remedy)]
    assert len(commands) == 2
    for command in (*commands, *reversed(commands)):
        site.run(command)
    assert site.look().ok


def test_a_sequence_that_goes_around_is_judged_by_its_next_number(site: Site):
    site.run(CODES.format("maxvalue 5 cycle", "int", "primary key") + FIVE)
    site.run("delete from public.coded where code < 3; select setval('public.codes', 5)")
    assert site.look().ok
    site.run("select setval('public.codes', 2)")
    (finding,) = site.look().findings
    assert (finding.count, finding.examples) == (1, ({"code": 3},))
    assert "rows of an earlier round are there" in finding.why


def test_numbers_that_the_sequence_never_gives_out_are_nobodys(site: Site):
    site.run(CODES.format("increment 2 maxvalue 100", "int", "primary key"))
    site.run("insert into public.coded values (2), (44), (101), (103), (-5)")
    assert site.look().ok
    site.run("insert into public.coded values (45)")
    assert [each.examples for each in site.look().findings] == [({"code": 45},)]


def test_rows_that_break_a_domain_are_counted(site: Site):
    site.run(
        'set role postgres; create domain public.word as text; create schema "O";'
        "create domain public.name as public.word;"
        "alter table public.tickets add w public.word;"
        'create table "O"."Tab" (id int primary key, "The N" public.name, loose text);'
        "insert into public.tickets (w) values ('short'), ('much too long'), (null);"
        "insert into \"O\".\"Tab\" values (1, 'much too long'), (2, 'much longer than that'), (3, null);"
        "alter domain public.word add constraint short check (length(value) < 9) not valid"
    )
    (finding,) = site.look().findings
    assert (finding.object, finding.count) == ("public.word: short", 3)
    assert {"table": "O.Tab", "id": 2} in finding.examples
    assert "3 of them break it" in finding.why
    assert "Mend these rows" in finding.remedy
    site.run('set role postgres; revoke all on public.tickets from anon; grant usage on schema "O" to anon')
    site.run('grant select on "O"."Tab" to anon')
    with database.connect(site.dsn) as connection:
        connection.execute("set role anon")
        found = integrity.check(connection, settings.Integrity())
    (finding,) = [each for each in found.findings if each.kind == "constraint"]
    assert "at least 2 of them break it" in finding.why
    assert "constraints public.word: short in public.tickets.w" in [
        f"{each.question} {each.object}" for each in found.unseen
    ]


def test_whether_rows_break_a_constraint_is_not_said_where_they_cannot_be_seen(site: Site):
    site.run(
        "alter table public.tickets add constraint positive check (number > 0) not valid;"
        "alter table public.notes_of_connections add constraint held foreign key (habit)"
        " references public.logs not valid;"
        "revoke all on public.tickets, public.notes_of_connections from anon"
    )
    with database.connect(site.dsn) as connection:
        connection.execute("set role anon")
        found = integrity.check(connection, settings.Integrity())
    said = [each.why for each in found.findings if each.kind == "constraint"]
    assert len(said) == 2
    assert all("whether any breaks it could not be seen" in why for why in said)


def test_an_index_that_others_may_be_building_is_not_to_be_built_again(site: Site):
    progress = "select count(*) from pg_stat_progress_create_index where index_relid <> 0"
    with ThreadPoolExecutor() as pool, database.connect(site.admin, autocommit=False) as other:
        other.execute("insert into public.logs default values")
        building = pool.submit(site.run, "create index concurrently by_message on public.logs (message)")
        with database.connect(site.admin) as connection:
            polling.wait_until(lambda: connection.execute(progress).fetchall() == [(1,)])
        with database.connect(site.dsn) as connection:
            connection.execute("set role anon")
            found = integrity.check(connection, settings.Integrity())
    building.result()
    (finding,) = [each for each in found.findings if each.kind == "index"]
    assert "may not see what others build" in finding.why
    assert "Wait until it is done" in finding.remedy
