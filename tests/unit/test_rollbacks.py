"""Rollback scripts are found wherever the common conventions put them, and nothing else is taken for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import migrations, project
from ops.migrations import Migration
from tests import projects

ORDERS = "20260101000000_create_orders"
PRICES = "20260102000000_add_prices"
UNDO = "drop table public.orders;\n"


def found(root: Path) -> dict[str, Migration]:
    return {migration.name: migration for migration in migrations.find(project.load(root))}


def orders(root: Path, *scripts: str, config: str | None = None, **forward: str) -> Migration:
    """Write two migrations and these scripts; return the first one as it is found."""
    projects.write(
        root,
        migrations={ORDERS: "create table public.orders ();\n", PRICES: "select 1;\n", **forward},
        files=dict.fromkeys(scripts, UNDO),
        config=config,
    )
    return found(root)["create_orders"]


def script(migration: Migration) -> str | None:
    return migration.rollback.file if migration.rollback else None


@pytest.mark.parametrize(
    "path",
    [
        "supabase/rollbacks/20260101000000_create_orders.sql",
        "supabase/rollbacks/20260101000000_create_orders.down.sql",
        "supabase/rollbacks/20260101000000_create_orders_down.sql",
        "supabase/rollbacks/20260101000000_create_orders_rollback.sql",
        "supabase/rollbacks/20260101000000_rollback_create_orders.sql",
        "supabase/rollbacks/20260101000000_rollback.sql",
        "supabase/rollbacks/20260101000000.sql",
        "supabase/rollbacks/20260101000000.down.sql",
        "supabase/rollbacks/rollback_20260101000000_create_orders.sql",
        "supabase/rollbacks/rollback-create-orders.sql",
        "supabase/rollbacks/create_orders.sql",
        "supabase/rollback/20260101000000_create_orders.sql",
        "supabase/down/20260101000000_create_orders.sql",
        "supabase/undo/create_orders.sql",
        "supabase/revert/create_orders.sql",
        "supabase/migrations/20260101000000_create_orders.down.sql",
        "supabase/migrations/20260101000000_create_orders.rollback.sql",
        "supabase/migrations/20260101000000_create_orders.undo.sql",
        "supabase/migrations/20260101000000_create_orders_down.sql",
        "supabase/migrations/20260101000000_create_orders_rollback.sql",
        "supabase/migrations/20260101000000_rollback_create_orders.sql",
        "supabase/migrations/20260101000000_down.sql",
        "supabase/migrations/rollback_create_orders.sql",
        "supabase/migrations/down/20260101000000_create_orders.sql",
        "supabase/migrations/rollback/20260101000000_create_orders_down.sql",
        "supabase/migrations/rollbacks/20260101000000_create_orders.sql",
        "supabase/migrations/_rollbacks/create_orders.sql",
        "supabase/migrations.backup/20260101000000_create_orders.rollback.sql",
        "supabase/migrations.backup/create_orders_rollback.sql",
        "supabase/migrations.backup/rollback_20260101000000_create_orders.sql",
        "supabase/migrations_down/20260101000000_create_orders.sql",
        "supabase/migrations-rollback/20260101000000_create_orders.sql",
        "supabase/sql/rollbacks/20260101000000_create_orders.sql",
        "rollbacks/20260101000000_create_orders.sql",
        "rollback/20260101000000_create_orders.sql",
        "down/20260101000000_create_orders.sql",
        "db/rollbacks/20260101000000_create_orders.sql",
        "db/migrations/down/20260101000000_create_orders.sql",
        "database/rollback/create_orders.sql",
        "sql/down/20260101000000_create_orders.sql",
        "scripts/rollback/20260101000000_create_orders.sql",
        "scripts/rollback_create_orders.sql",
        "migrations/rollback/20260101000000_create_orders.SQL",
    ],
)
def test_a_script_is_found_where_conventions_put_it(tmp_path: Path, path: str) -> None:
    assert script(orders(tmp_path, path)) == path
    assert found(tmp_path)["add_prices"].rollback is None
    assert len(found(tmp_path)) == 2


@pytest.mark.parametrize(
    "path",
    [
        "supabase/rollbacks/20260109000000_create_orders_again.sql",
        "supabase/rollbacks/README.md",
        "supabase/rollbacks/create_orders.sql.txt",
        "supabase/tests/rollback/create_orders.sql",
        "supabase/functions/rollback/create_orders.sql",
        "supabase/seeds/rollback/create_orders.sql",
        "supabase/backup/20260101000000_create_orders.sql",
        "supabase/snippets/create_orders.sql",
        "node_modules/rollbacks/create_orders.sql",
        "packages/rollbacks/create_orders.sql",
        "db/.hidden/rollback/create_orders.sql",
        "supabase/countdown/create_orders.sql",
        "supabase/breakdown_create_orders.sql",
    ],
)
def test_other_files_are_no_scripts(tmp_path: Path, path: str) -> None:
    assert script(orders(tmp_path, path)) is None


def test_the_version_says_more_than_the_name(tmp_path: Path) -> None:
    by_version, by_name = "rollbacks/20260101000000.sql", "rollbacks/create_orders.sql"
    assert script(orders(tmp_path, by_version, by_name)) == by_version


def test_a_name_that_two_migrations_share_says_nothing(tmp_path: Path) -> None:
    again = {"20260103000000_create_orders": "select 1;\n"}
    projects.write(
        tmp_path, migrations={ORDERS: "select 1;\n", **again}, files={"rollbacks/create_orders.sql": UNDO}
    )
    assert [m.rollback for m in migrations.find(project.load(tmp_path))] == [None, None]


def test_another_name_with_the_same_version_is_a_finding(tmp_path: Path) -> None:
    path = "supabase/rollbacks/20260101000000_drop_orders.sql"
    migration = orders(tmp_path, path)
    assert script(migration) == path
    assert any("has the same version and another name" in said for said in migration.findings)


def test_two_scripts_that_differ_are_a_finding_and_two_that_do_not_are_none(tmp_path: Path) -> None:
    paths = (
        "rollbacks/20260101000000_create_orders.sql",
        "supabase/rollbacks/20260101000000_create_orders.down.sql",
    )
    assert not orders(tmp_path, *paths).findings
    (tmp_path / paths[0]).write_text("select 2;\n")
    (said,) = found(tmp_path)["create_orders"].findings
    assert "but so could be" in said


def test_a_configured_folder_is_the_only_one(tmp_path: Path) -> None:
    config = '[project]\nrollbacks = ["ops/undo scripts"]\n'
    kept, ignored = (
        "ops/undo scripts/20260101000000_create_orders.sql",
        "supabase/rollbacks/20260101000000.sql",
    )
    assert script(orders(tmp_path, kept, ignored, config=config)) == kept


def test_no_rollbacks_at_all_can_be_configured(tmp_path: Path) -> None:
    assert (
        script(orders(tmp_path, "rollbacks/create_orders.sql", config="[project]\nrollbacks = []\n")) is None
    )


def test_up_and_down_files_belong_together(tmp_path: Path) -> None:
    projects.write(
        tmp_path,
        migrations={"000001_orders.up": "select 1;\n"},
        files={"supabase/migrations/000001_orders.down.sql": UNDO},
    )
    (migration,) = migrations.find(project.load(tmp_path))
    assert (migration.file, script(migration)) == (
        "supabase/migrations/000001_orders.up.sql",
        "supabase/migrations/000001_orders.down.sql",
    )


def test_a_migration_that_happens_to_be_called_a_rollback_is_one(tmp_path: Path) -> None:
    projects.write(
        tmp_path, migrations={"20260105000000_rollback_prices": "select 1;\n", ORDERS: "select 1;\n"}
    )
    assert set(found(tmp_path)) == {"create_orders", "rollback_prices"}
    assert any("named like a rollback script" in said for said in found(tmp_path)["rollback_prices"].findings)


def test_a_script_that_uses_psql_says_so_and_is_not_refused(tmp_path: Path) -> None:
    path = "rollbacks/create_orders.sql"
    projects.write(tmp_path, migrations={ORDERS: "select 1;\n"}, files={path: "\\set a 1\ndrop table :a;\n"})
    rollback = found(tmp_path)["create_orders"].rollback
    assert rollback is not None
    assert (rollback.uses_psql, rollback.problem) == (True, None)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"drop table a;\0", "has a NUL byte"),
        (b"begin;\ndrop table a;\n", "nothing ends"),
        (b"drop table a;\nrollback;\n", "throws away"),
        (b"drop database a;\n", "acts on the whole server"),
    ],
)
def test_a_script_that_must_not_run_has_a_problem(tmp_path: Path, content: bytes, says: str) -> None:
    path = "rollbacks/create_orders.sql"
    projects.write(tmp_path, migrations={ORDERS: "select 1;\n"}, files={path: content})
    rollback = found(tmp_path)["create_orders"].rollback
    assert rollback is not None
    assert says in (rollback.problem or "")
    assert (rollback.problem or "").startswith(f"{path}:")


def test_a_script_may_take_its_own_row_out_of_the_history(tmp_path: Path) -> None:
    text = "delete from supabase_migrations.schema_migrations where version = '20260101000000';\n"
    projects.write(tmp_path, migrations={ORDERS: "select 1;\n"}, files={"rollbacks/create_orders.sql": text})
    rollback = found(tmp_path)["create_orders"].rollback
    assert rollback is not None
    assert rollback.problem is None
