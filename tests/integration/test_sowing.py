"""Seed files: sown whole or not at all, through psql where they speak its language."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from ops import project, sowing
from ops.evidence import Evidence
from ops.target import Target
from tests import projects

INSERT = "insert into public.seeds values (1);\n"


@pytest.fixture
def target(shaped: str) -> Generator[Target]:
    target = Target(dsn=shaped, observer_dsn=shaped, run="a run", throw_away=True)
    with target.login() as connection:
        connection.execute("create table public.seeds (id int not null)")
    yield target
    target.close()


def sow(target: Target, root: Path, *, config: str = "", **files: str | bytes) -> Evidence:
    """Write a project with these files in its supabase folder, keyed without their suffix, and sow it."""
    named = {f"supabase/{name}.sql": content for name, content in files.items()}
    projects.write(root, migrations={}, files=named, supabase_config=config)
    return sowing.sow(target, project.load(root))


def seeds(target: Target) -> list[int]:
    with psycopg.connect(target.dsn) as connection:
        return [row[0] for row in connection.execute("select id from public.seeds order by id")]


def test_no_seed_is_said(target: Target, tmp_path: Path) -> None:
    found = sow(target, tmp_path)
    assert found.ok
    assert "has no seed file" in found.summary


@pytest.mark.parametrize(
    "text",
    [
        INSERT,
        "\ufeffinsert into public.seeds values (1);\r\n",
        "begin;\ninsert into public.seeds values (1);\ncommit;\n",
        "copy public.seeds (id) from stdin;\n1\n\\.\n",
        "\\set one 1\nbegin;\ninsert into public.seeds values (:one);\ncommit;\n",
        "set session_replication_role = replica;\ninsert into public.seeds values (1);\nreset all;\n",
        "select set_config('search_path', '', false);\ninsert into public.seeds values (1);\n",
        "insert into public.seeds values (1);\nvacuum public.seeds;\n",
        "begin;\ninsert into public.seeds values (2);\nrollback;\ninsert into public.seeds values (1);\n",
        "create index concurrently on public.seeds (id);\ninsert into public.seeds values (1);\n",
    ],
)
def test_a_seed_is_sown(target: Target, tmp_path: Path, text: str) -> None:
    found = sow(target, tmp_path, seed=text)
    assert (found.ok, found.summary) == (True, "Sown 1 of 1 seed files.")
    assert seeds(target) == [1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{INSERT}select nope;\n", "supabase/seed.sql:2:8 42703"),
        (f"begin;\n{INSERT}commit;\nselect nope;\n", "supabase/seed.sql:4:8 42703"),
        (f"\\set a 1\n{INSERT}select nope;\n", "supabase/seed.sql:3:8 42703"),
        ("copy public.seeds (id) from stdin;\n1\nx\n\\.\n", "supabase/seed.sql:3 22P02"),
        (f"{INSERT}select 'ä".encode("latin-1"), "supabase/seed.sql:2:9 is not UTF-8"),
        (f"{INSERT}\0", "supabase/seed.sql:2:1 has a NUL byte"),
        (f"{INSERT}alter table public.seeds add foreign key (id) references public.nope;\n", "42P01"),
    ],
)
def test_a_seed_that_fails_leaves_nothing_and_says_where(
    target: Target, tmp_path: Path, text: str | bytes, says: str
) -> None:
    found = sow(target, tmp_path, seed=text)
    assert not found.ok
    assert says in found.summary
    assert says in found.rows[0]["result"]
    assert seeds(target) == []


def test_seeds_are_sown_in_the_order_of_the_configuration_and_each_once(
    target: Target, tmp_path: Path
) -> None:
    config = '[db.seed]\nsql_paths = ["./seeds/b.sql", "seeds/*.sql", "./nothing.sql", "../outside.sql"]\n'
    files = {
        f"seeds/{name}": f"insert into public.seeds select count(*) + {n} from public.seeds;\n"
        for n, name in enumerate(("a", "b", "c"))
    }
    found = sow(target, tmp_path, config=config, **files)
    assert [row["file"] for row in found.rows] == [f"supabase/seeds/{name}.sql" for name in ("b", "a", "c")]
    assert seeds(target) == [1, 1, 4]


def test_one_that_fails_does_not_hold_up_the_others(target: Target, tmp_path: Path) -> None:
    config = '[db.seed]\nsql_paths = ["./a.sql", "./b.sql"]\n'
    found = sow(target, tmp_path, config=config, a="select nope;\n", b=INSERT)
    assert (found.ok, seeds(target)) == (False, [1])
    assert found.summary.startswith("Sown 1 of 2 seed files. 1 failed: supabase/a.sql:1:8")


def test_seeds_can_be_switched_off(target: Target, tmp_path: Path) -> None:
    sow(target, tmp_path, config="[db.seed]\nenabled = false\n", seed=INSERT)
    assert seeds(target) == []
