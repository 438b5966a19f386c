"""The example's tables with generation records, a real PostgREST before them, and nights that export."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ops import embedded, eval_export, eval_night, eval_watermark
from ops.eval_night import EvalChoices, Night
from ops.evals import Export
from tests import fix_postgres, fix_postgrest

MIGRATIONS = Path(__file__).parents[1] / "examples" / "storefront" / "supabase" / "migrations"
T0 = datetime(2026, 2, 15, tzinfo=UTC)
DAY = EvalChoices(since=T0, until=T0 + timedelta(days=1))
CONFIG = """\
[project]
name = "shop"
contract = []
tests = []

[eval]
page = {page}
{settings}

[environments.production]
{database}

[environments.production.eval]
kind = "{kind}"
url = "env:{name}_URL"
key = "env:{name}_KEY"
files = ["logs/*.jsonl"]
"""
INSERT = """\
insert into public.ai_training_examples
    (prompt, output, created_at, updated_at,
     selected_provider, route_strategy, prompt_template_version, environment)
select 'Describe lot ' || n, jsonb_build_object('title', 'Lot ' || n, 'body', %(body)s::text),
       %(start)s + n * %(every)s, %(start)s + n * %(every)s, 'openai', 'default', 'v3', 'prod'
from generate_series(1, %(count)s) as n
"""


@dataclass
class Site:
    """A production with generation records."""

    root: Path
    dsn: str
    admin: str
    rest: fix_postgrest.PostgRest
    kind: str = "copy"
    page: int = 100
    settings: str = ""
    with_database: bool = True
    url: str = ""
    key: str = field(default="", repr=False)

    def add(
        self,
        count: int,
        *,
        start: datetime = T0,
        every: timedelta = timedelta(seconds=10),
        body: str = "A clean cup",
    ) -> None:
        values = {"count": count, "start": start, "every": every, "body": body}
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(INSERT, values)

    def execute(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.admin, autocommit=True) as connection:
            found = connection.execute(statement.encode(), values or None)
            return found.fetchall() if found.description else []

    def configure(self) -> None:
        name = f"EVAL_{os.getpid()}"
        os.environ |= {
            f"{name}_URL": self.url or self.rest.url,
            f"{name}_KEY": self.key or self.rest.key,
            f"{name}_DSN": self.dsn,
        }
        self.root.mkdir(exist_ok=True)
        database = f'database = "env:{name}_DSN"' if self.with_database else ""
        text = CONFIG.format(
            page=self.page, settings=self.settings, database=database, kind=self.kind, name=name
        )
        (self.root / "runbooks.toml").write_text(text, "utf-8")

    @contextmanager
    def night(self, choices: EvalChoices = DAY, run: str = "night-1") -> Generator[Night]:
        self.configure()
        with eval_night.opened(eval_night.plan(str(self.root), "production", choices), run) as night:
            yield night

    def export(self, choices: EvalChoices = DAY, run: str = "night-1", *, ingest: bool = False) -> Export:
        with self.night(choices, run) as night:
            found = eval_export.export(night)
            if ingest:
                with night.connection.transaction():
                    eval_watermark.advance(night.connection, night)
            return found

    def rows(self) -> list[tuple[int, datetime]]:
        return self.execute("select id, created_at from public.ai_training_examples order by created_at, id")


def lines(export: Export) -> list[dict[str, Any]]:
    return [json.loads(line) for line in export.path.read_bytes().splitlines()]


def keys(export: Export) -> list[int]:
    return [line["id"] for line in lines(export)]


@contextmanager
def tables(server: embedded.Server) -> Generator[str]:
    """Make a database with the example's migrations, and yield its name."""
    with fix_postgres.fresh_database(server) as name:
        with psycopg.connect(server.dsn(name), autocommit=True) as connection:
            for path in sorted(MIGRATIONS.glob("*.sql")):
                if "orders_by_day" not in path.name and path.name < "20260216":
                    connection.execute(path.read_bytes())
        yield name


@contextmanager
def site(server: embedded.Server, name: str, rest: fix_postgrest.PostgRest, root: Path) -> Generator[Site]:
    """Empty the records and the watermarks, and yield the site."""
    made = Site(root, server.dsn(name), server.dsn(name, user=server.superuser), rest)
    made.execute(
        "truncate public.ai_training_examples cascade; drop table if exists runbooks.eval_watermarks"
    )
    yield made


@pytest.fixture(scope="module")
def exported_tables(server: embedded.Server) -> Generator[tuple[str, fix_postgrest.PostgRest]]:
    """The name of a database with the example's tables, and PostgREST before it."""
    with tables(server) as name, fix_postgrest.postgrest(server, name) as rest:
        yield name, rest


@pytest.fixture
def export_site(
    server: embedded.Server, exported_tables: tuple[str, fix_postgrest.PostgRest], tmp_path: Path
) -> Generator[Site]:
    """A production without records, and the project that exports from it."""
    with site(server, *exported_tables, tmp_path / "shop") as made:
        yield made
