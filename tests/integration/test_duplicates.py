"""By what two rows are the same one, and how many of them there may be."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from psycopg import sql

from ops import duplicates, embedded
from tests import fix_postgres
from tests.sound import Site


@pytest.fixture
def site(server: embedded.Server, shaped_name: str) -> Site:
    """A database with rows in which nothing is wrong."""
    return Site.healthy(server, shaped_name)


@pytest.mark.parametrize("few", [duplicates.FEW, 0])
def test_a_hash_that_is_there_again_is_no_row_that_is_there_again(
    site: Site, few: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(duplicates, "FEW", few)
    monkeypatch.setattr(duplicates, "fingerprint", lambda _: sql.Literal(1))  # pyright: ignore[reportUnknownLambdaType]
    assert site.look().ok
    site.run("insert into public.chat_history (role) values ('u'), ('u')")
    assert [(each.groups, each.surplus) for each in site.look().duplicates] == [(1, 1)]


@pytest.fixture
def full_site(server15: embedded.Server) -> Generator[Site]:
    """The same on a server that was built with XML and ICU."""
    with fix_postgres.fresh_database(server15) as name:
        yield Site.healthy(server15, name)


@pytest.mark.parametrize("few", [duplicates.FEW, 0])
def test_rows_are_the_same_by_what_their_types_call_the_same(
    full_site: Site, few: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(duplicates, "FEW", few)
    full_site.run(
        "create type mood as enum ('a', 'b'); create domain cents as numeric check (value >= 0);"
        "create collation careless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
        "create table kinds (id int primary key, n cents, e mood, b bool, v varchar(9), c char(9), j json, jb jsonb,"
        " x xml, p point, a numeric[], u uuid, r int4range, m money, t text collate careless, s smallint, f float8);"
        "insert into kinds select i, '1.0', 'a', true, 'v', 'c', '{\"a\": 1}', '{\"a\": 1}', '<x/>', '(1,2)', '{1.0}',"
        " '00000000-0000-0000-0000-000000000001', '[1,3]', 1, 'One', 1, 0 from generate_series(1, 2) i;"
        "update kinds set n = 1.00, jb = '{ \"a\":1.0 }', a = '{1.00}', r = '[1,4)', t = 'ONE', f = '-0' where id = 2"
    )
    columns = ["n", "e", "b", "v", "c", "j", "jb", "x", "p", "a", "u", "r", "m", "t", "s", "f"]
    for key in (*([column] for column in columns), columns):
        found = full_site.look(keys={"kinds": key})
        assert [(each.object, each.count) for each in found.findings] == [("public.kinds", 1)], key
        assert sorted(each["id"] for each in found.findings[0].examples) == [1, 2]


@pytest.mark.parametrize("few", [duplicates.FEW, 0])
def test_rows_are_not_the_same_where_one_of_their_columns_differs(
    full_site: Site, few: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(duplicates, "FEW", few)
    full_site.run(
        "create table kinds (id int primary key, a text, b text);"
        "insert into kinds values (1, 'One', 'x'), (2, 'ONE', 'x'), (3, 'x', 'One'), (4, null, 'x'), (5, null, 'x')"
    )
    assert full_site.look(keys={"kinds": ["a", "b"]}).ok
    found = full_site.look(keys={"kinds": {"columns": ["a", "b"], "nulls_equal": True}})
    assert [sorted(each["id"] for each in one.examples) for one in found.findings] == [[4, 5]]


def test_more_than_none_may_be_allowed(site: Site):
    site.run("insert into public.chat_history (role) values ('u'), ('u'), ('u')")
    two = site.look(max_duplicates=2)
    assert (two.ok, two.duplicates[0].surplus, two.duplicates[0].groups) == (True, 2, 1)
    key = {"columns": ["role"], "max_duplicates": 1}
    one = site.look(max_duplicates=9, keys={"public.chat_history": key})
    assert [each.allowed for each in one.duplicates] == [1]
    assert [each.count for each in one.findings] == [6]


@pytest.mark.parametrize(
    ("columns", "rows", "surplus"),
    [
        (
            "told text primary key, said text, at timestamptz",
            "('a', 'x', '2024-01-01'), ('b', 'x', '2024-02-02')",
            1,
        ),
        ("id text, said text, day date", "('a', 'x', '2024-01-01'), ('b', 'x', '2024-02-02')", 1),
        ("told uuid default gen_random_uuid(), said text", "(default, 'x'), (default, 'x')", 1),
        ("told bigserial, said text", "(default, 'x'), (default, 'x')", 1),
        ("told text, part int, said text, primary key (told, part)", "('a', 1, 'x'), ('b', 1, 'x')", 0),
        ("told text, said text", "('a', 'x'), ('b', 'x')", 0),
        ("told text default 'a', said text", "(default, 'x'), (default, 'x')", 1),
    ],
)
def test_a_message_is_the_same_by_all_but_its_id_and_times(
    shaped: str, columns: str, rows: str, surplus: int
):
    site = Site(shaped, shaped)
    site.run(f"create table public.chat_history ({columns}); insert into public.chat_history values {rows}")
    assert [each.surplus for each in site.look().duplicates] == [surplus]


def test_a_message_of_nothing_but_its_id_is_never_the_same(shaped: str):
    site = Site(shaped, shaped)
    site.run("create table public.chat_history (id int primary key, at timestamptz)")
    assert site.look().duplicates == ()
