"""The tool that promotes real projects: on an invented one, and on databases that are not the same."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from ops import embedded, queries
from tests import alike, fix_postgres, projects, real_projects

HALF = {
    "1_a": "create table public.a (id serial primary key, note text, constraint noted check (note <> ''));\n"
    "alter table public.a enable row level security;\n"
    "create policy mine on public.a for select to authenticated using (note = auth.uid()::text);\n"
    "insert into public.a (note) values ('one'), ('two');\n",
    "2_index": "create index concurrently a_note on public.a (note);\n",
}
REST = {
    "3_anew": "alter table public.a drop constraint noted, add constraint noted check (note <> 'three');\n",
    "4_index": "drop index concurrently public.a_note;\ncreate index concurrently a_note on public.a (note, id);\n",
    "5_rows": "insert into public.a (note) select note || '!' from public.a;\ncreate role reader;\n"
    "grant select on public.a to reader;\n",
}


def test_half_by_the_cli_and_the_rest_by_us_is_all_by_the_cli(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    projects.write(tmp_path, migrations={**HALF, **REST})
    assert real_projects.main([str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "equal" in said
    assert "5 files, 3 promoted" in said
    assert "and 4 rows" in said


def test_a_project_that_the_cli_cannot_apply_is_excluded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    projects.write(tmp_path, migrations={**HALF, "3_bad": "select 1 / 0;\n"})
    assert real_projects.main([str(tmp_path)]) == 0
    assert "the CLI cannot apply it" in capsys.readouterr().out


def test_times_that_are_counted_from_now_are_made_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = "create table public.told (at timestamptz default now(), due timestamptz, told timestamptz);\n"
    rows = (
        "insert into public.told (due, told) values (now() - interval '1 day', '2026-01-01 10:00:00.5+00');\n"
    )
    projects.write(tmp_path, migrations={"1_told": told, "2_rows": rows})
    assert real_projects.main([str(tmp_path)]) == 0
    assert "the same but for what is made anew each time: public.told" in capsys.readouterr().out


@pytest.fixture
def twins(server: embedded.Server) -> Generator[tuple[str, str]]:
    """Two databases with the same in them; the second is then changed."""
    with fix_postgres.fresh_database(server) as one, fix_postgres.fresh_database(server) as other:
        found = tuple(server.dsn(name, user=server.superuser) for name in (one, other))
        for dsn in found:
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute(queries.load("journal/prepare"))
                connection.execute(HALF["1_a"].encode())
        yield found[0], found[1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("select 1", ""),
        ("drop policy mine on public.a", "schema: policy"),
        ("update public.a set note = 'else' where id = 1", "rows: public.a: only of"),
        ("select nextval('public.a_id_seq')", "sequences: "),
        (
            "insert into supabase_migrations.schema_migrations (version, name) values ('9', 'x')",
            "history: ('9', 'x')",
        ),
    ],
)
def test_what_is_not_the_same_is_said(twins: tuple[str, str], change: str, said: str) -> None:
    began = datetime.now(UTC)
    with psycopg.connect(twins[1], autocommit=True) as connection:
        connection.execute(change.encode())
    found = alike.compared(twins, since=began)
    assert (not found.differences) is (not said)
    assert all(said in each for each in found.differences)
