"""The rehearsal on a staging database in place: it ends with the migrations applied and nothing lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from flows.staging_rehearsal import staging_rehearsal
from ops import embedded, errors, marker
from ops.choices import Choices
from ops.verdict import Rehearsal
from tests import projects

CONFIG = """\
[project]
contract = []

[environments.staging]
place = "in-place"
database = "file:{secret}"
rehearse = true
after_failure = "{after_failure}"
"""


@pytest.fixture
def staging(server: embedded.Server, shaped_name: str) -> str:
    """The DSN of a database that says that it is staging and may be rehearsed on."""
    dsn = server.dsn(shaped_name)
    with psycopg.connect(dsn, autocommit=True) as connection:
        marker.write(connection, "staging", rehearse=True)
    return dsn


def configured(root: Path, dsn: str, *, after_failure: str = "keep") -> Path:
    secret = root / "staging.dsn"
    secret.write_text(dsn)
    (root / "runbooks.toml").write_text(CONFIG.format(secret=secret, after_failure=after_failure))
    return root


def rehearse(root: Path) -> Rehearsal:
    try:
        return staging_rehearsal.fn(str(root), "staging", Choices(out=str(root / "out")))
    except errors.CheckFailed as error:
        return Rehearsal.model_validate(error.evidence)


def asked(dsn: str, question: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(question.encode()).fetchall()


HISTORY = "select version from supabase_migrations.schema_migrations order by 1"


def test_it_ends_applied_with_the_chain_proven_and_a_second_run_finds_nothing_to_do(
    staging: str, tmp_path: Path
):
    root = configured(projects.sound(tmp_path), staging)
    first = rehearse(root)
    assert first.ok, first.findings
    assert (first.counts.applied, first.counts.rollbacks_proven, first.chain.status) == (3, 3, "proven")
    assert len(asked(staging, HISTORY)) == 3
    rows = asked(staging, "select count(*) from public.notes")
    second = rehearse(root)
    assert second.ok, second.findings
    assert (second.counts.pending, second.chain.status) == (0, "skipped")
    assert asked(staging, "select count(*) from public.notes") == rows


def test_a_rollback_that_loses_rows_is_withdrawn(staging: str, tmp_path: Path):
    found = rehearse(configured(projects.lossy_rollback(tmp_path), staging))
    proof = found.migrations[1]
    assert (proof.rollback.status, proof.reapply.status) == ("differs", "skipped")
    assert [(each.kind, each.object) for each in proof.rollback.differences] == [("rows", "public.notes")]
    kept = asked(staging, "select body from public.notes order by id")
    assert kept == [(f"NOTE {n}",) for n in range(1, 6)]
    assert len(asked(staging, HISTORY)) == 2


def test_a_rollback_that_leaves_something_behind_is_withdrawn(staging: str, tmp_path: Path):
    found = rehearse(configured(projects.leaving_rollback(tmp_path), staging))
    assert [m.rollback.status for m in found.migrations] == ["proven", "differs"]
    assert asked(staging, "select 1 from pg_indexes where indexname = 'notes_slug_idx'") == [(1,)]
    assert len(asked(staging, HISTORY)) == 2


@pytest.mark.parametrize(("after_failure", "left"), [("keep", [(projects.NOTES[:14],)]), ("roll-back", [])])
def test_after_a_failure_the_environment_says_what_stays(
    staging: str, tmp_path: Path, after_failure: str, left: list[tuple[str]]
):
    root = configured(projects.failing_migration(tmp_path), staging, after_failure=after_failure)
    found = rehearse(root)
    assert [m.status for m in found.migrations] == ["applied", "failed", "skipped"]
    assert asked(staging, HISTORY) == left
