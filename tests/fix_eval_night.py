"""A project whose production has the example's tables and generation records, and nights that evaluate them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.fix_eval_tables import EXAMPLE

CONFIG = """\
[project]
name = "app"
manager = "file:{manager}"

[eval.gate.floors]
schema_valid = 0.8

[environments.production]
database = "file:{secret}"

[environments.production.eval]
kind = "{kind}"
url = "file:{url}"
key = "file:{key}"

[environments.bare]
database = "file:{secret}"
"""
_RECORDS = sql.SQL("""
insert into public.ai_training_examples (
    prompt, output, created_at, selected_provider, route_strategy, prompt_template_version, environment,
    publish_state, latency_ms, cost_usd
)
select
    'Describe lot ' || n,
    case when n % {wrong} = 0 then '{{"title": 1}}' else '{{"title": "Lot", "body": "A clean cup."}}' end::jsonb,
    {at}::timestamptz + n * interval '1 second',
    (array['openai', 'anthropic', 'mistral'])[1 + n % 3],
    (array['default', 'weighted'])[1 + n % 2],
    'v2',
    'prod',
    (array['published', 'published', 'edited', 'discarded'])[1 + n % 4],
    400 + n % 97,
    0.001
from generate_series(1, {count}) as n
""")
TOTALS = """
select
    (select count(*) from public.ai_eval_runs),
    (select count(*) from public.ai_eval_samples),
    (select count(distinct record_key) from public.ai_eval_samples)
"""


@dataclass(frozen=True)
class Plant:
    """The project at `root` and the superuser's DSN of its production."""

    root: Path
    admin: str

    def ask(self, text: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.admin, autocommit=True) as connection:
            cursor = connection.execute(text.encode())
            return cursor.fetchall() if cursor.description else []

    def generate(self, count: int, at: datetime, *, wrong: int = 50) -> None:
        """Let the app make records, a second apart; each `wrong`-th output has not the shape of its schema."""
        values = {"count": sql.Literal(count), "at": sql.Literal(at), "wrong": sql.Literal(wrong)}
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute(_RECORDS.format(**values))

    def totals(self) -> tuple[int, int, int]:
        """How many runs, samples and different records there are."""
        ((runs, samples, records),) = self.ask(TOTALS)
        return runs, samples, records


def plant(
    folder: Path, *, dsn: str, admin: str, kind: str = "copy", url: str = "", key: str = "", manager: str = ""
) -> Plant:
    """Write the project; its production begins without the records that the example's migrations bring."""
    root = folder / "app"
    shutil.copytree(EXAMPLE / "evals", root / "evals")
    (root / "supabase" / "migrations").mkdir(parents=True)
    for name, value in (("secret", dsn), ("url", url), ("key", key), ("manager", manager)):
        (folder / name).write_text(value, "utf-8")
    places = {name: folder / name for name in ("secret", "url", "key", "manager")}
    (root / "runbooks.toml").write_text(CONFIG.format(kind=kind, **places), "utf-8")
    made = Plant(root, admin)
    made.ask("delete from public.ai_training_examples")
    return made
