"""Rollback scripts that only psql understands: they commit with their journal row, or leave nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from ops import errors, migrations, project, reversal
from ops.target import Target
from tests import projects

UP = "create table public.orders (id bigint, note text);\ncreate index orders_id on public.orders (id);\n"


def applied(
    target: Target, root: Path, undo: str, **files: str
) -> tuple[migrations.Migration, reversal.Step]:
    """Write a project with one migration and this rollback script, and apply the migration."""
    projects.write(root, migrations={"1_orders": UP}, rollbacks={"1_orders": undo}, files=files)
    (migration,) = migrations.find(project.load(root))
    step = reversal.forward(target, migration)
    assert step.outcome.ok
    return migration, step


def rows(target: Target, query: LiteralString) -> list[tuple[Any, ...]]:
    return target.observer.execute(query).fetchall()


def history(target: Target) -> tuple[int, list[str]]:
    """Return how many rows the history has, and what the journal says was done."""
    (count,) = rows(target, "select count(*) from supabase_migrations.schema_migrations")[0]
    return count, [action for (action,) in rows(target, "select action from runbooks.journal order by id")]


def there(target: Target, name: str) -> bool:
    return target.observer.execute("select to_regclass(%s) is not null", (name,)).fetchone() == (True,)


def test_a_script_that_restores_is_proven(target: Target, tmp_path: Path) -> None:
    undo = "\\set t public.orders\nBEGIN;\n\\ir parts/drop.sql\nCOMMIT;\n"
    parts = {"supabase/rollbacks/parts/drop.sql": "drop table :t;\n"}
    migration, step = applied(target, tmp_path, undo, **parts)
    proof = reversal.prove(target, migration, step)
    assert (proof.rollback.status, proof.reapply.status, proof.rollback.error) == ("proven", "same", None)
    assert history(target) == (1, ["apply", "rollback", "apply"])


def test_a_script_that_is_edited_after_it_was_read_does_not_run(target: Target, tmp_path: Path) -> None:
    migration, _ = applied(target, tmp_path, "\\echo all\ndrop table public.orders;\n")
    assert migration.rollback
    migration.rollback.path.write_text("\\echo more\ndrop table public.orders; drop schema public cascade;\n")
    with pytest.raises(errors.Refused, match="was changed since this run has read it"):
        reversal.undo(target, migration)
    assert there(target, "public.orders")


def test_a_script_that_does_not_restore_is_found_out(target: Target, tmp_path: Path) -> None:
    migration, step = applied(target, tmp_path, "\\echo partly\ndrop index public.orders_id;\n")
    proof = reversal.prove(target, migration, step)
    assert proof.rollback.status == "differs"
    assert {found.object for found in proof.rollback.differences} >= {"public.orders"}


@pytest.mark.parametrize(
    ("undo", "line", "sqlstate"),
    [
        ("\\set a 1\ndrop table public.orders;\nselect 1/0;\n", 3, "22012"),
        ("\\set a 1\nBEGIN;\ndrop table public.orders;\nCOMMIT;\nselect 1/0;\n", 5, "22012"),
        ("drop table public.orders;\n\\i nothing.sql\n", 2, None),
        ("\\set ON_ERROR_STOP off\ndrop table public.orders;\nselect 1/0;\nselect 2;\n", 3, "22012"),
        ("\\set a commit\ndrop index public.orders_id;\n\\c -\n", None, "2D000"),
    ],
)
def test_a_script_that_fails_leaves_everything(
    target: Target, tmp_path: Path, undo: str, line: int | None, sqlstate: str | None
) -> None:
    migration, step = applied(target, tmp_path, undo)
    proof = reversal.prove(target, migration, step)
    assert (proof.rollback.status, proof.clean) == ("failed", True)
    error = proof.rollback.error
    assert error is not None
    assert (error.file, error.line, error.sqlstate) == (
        "supabase/rollbacks/1_orders.down.sql",
        line,
        sqlstate,
    )
    assert there(target, "public.orders_id")
    assert history(target) == (1, ["apply"])


def test_a_script_that_commits_on_its_own_is_a_failure_and_not_clean(target: Target, tmp_path: Path) -> None:
    migration, step = applied(target, tmp_path, "\\set a commit\ndrop index public.orders_id;\n:a;\n")
    proof = reversal.prove(target, migration, step)
    assert (proof.rollback.status, proof.clean) == ("failed", False)
    assert "leaves the transaction" in (proof.rollback.error.message if proof.rollback.error else "")
    assert history(target) == (1, ["apply"])


def test_what_cannot_be_in_a_transaction_is_recorded_after_it(target: Target, tmp_path: Path) -> None:
    undo = "\\set i orders_id\ndrop index concurrently public.:i;\ndrop table public.orders;\n"
    migration, step = applied(target, tmp_path, undo)
    proof = reversal.prove(target, migration, step)
    assert (proof.rollback.status, proof.reapply.status) == ("proven", "same")
    assert history(target) == (1, ["apply", "rollback", "apply"])


def test_what_cannot_be_in_a_transaction_and_fails_is_not_recorded(target: Target, tmp_path: Path) -> None:
    migration, _ = applied(
        target, tmp_path, "\\set a 1\ndrop index concurrently public.orders_id;\nselect :b;\n"
    )
    outcome = reversal.backward(target, migration).outcome
    assert outcome.failure is not None
    assert (outcome.failure.line, outcome.transactional, outcome.attempts) == (3, False, 1)
    assert not there(target, "public.orders_id")
    assert history(target) == (1, ["apply"])


def test_a_lock_that_somebody_holds_is_tried_for_three_times(target: Target, tmp_path: Path) -> None:
    migration, _ = applied(target, tmp_path, "\\set a 1\ndrop table public.orders;\n")
    target.lock_timeout /= 50
    with psycopg.connect(target.dsn) as other:
        other.execute("lock table public.orders in access share mode")
        outcome = reversal.backward(target, migration).outcome
    assert outcome.failure is not None
    assert (outcome.failure.sqlstate, outcome.attempts) == ("55P03", 3)
    assert history(target) == (1, ["apply"])


def test_nothing_commits_when_the_lock_of_the_database_is_lost(target: Target, tmp_path: Path) -> None:
    migration, _ = applied(target, tmp_path, "\\set a 1\ndrop table public.orders;\n")
    target.holder = target.observer.info.backend_pid
    with pytest.raises(errors.Unavailable, match="The session that held this database's lock is gone"):
        reversal.backward(target, migration)
    assert there(target, "public.orders")
    target.observer.execute("select pg_advisory_lock(1398096451, 1920298594)")
    assert reversal.backward(target, migration).outcome.ok
    assert history(target) == (0, ["apply", "rollback"])
