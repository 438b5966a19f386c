"""Files that hold their own way back are split into the two parts, line for line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import migrations, project, sections
from tests import projects

UP, DOWN = "create table public.a ();\n", "drop table public.a;\n"


@pytest.mark.parametrize(
    ("up", "down"),
    [
        ("-- migrate:up", "-- migrate:down"),
        ("-- migrate:up transaction:false", "-- migrate:down transaction:false"),
        ("--migrate:up", "--  MIGRATE:DOWN"),
        ("-- +goose Up", "-- +goose Down"),
        ("-- +migrate Up", "-- +migrate Down notransaction"),
        ("-- Up Migration", "-- Down Migration"),
        ("-- no mark", "-- migrate:down"),
    ],
)
def test_the_part_below_the_mark_is_the_way_back(up: str, down: str) -> None:
    parts = sections.split(f"{up}\n{UP}\n{down}\n{DOWN}")
    assert parts.forth.split() == [*up.split(), *UP.split()]
    assert parts.back.split() == [*down.split(), *DOWN.split()]
    assert parts.forth.count("\n") == parts.back.count("\n") == 5
    assert (parts.mark, parts.line) == (down, 4)


def test_the_way_back_may_come_first() -> None:
    parts = sections.split(f"-- migrate:down\n{DOWN}-- migrate:up\n{UP}")
    assert (parts.forth.split()[-1], parts.back.split()[-1]) == ("();", "public.a;")
    assert UP in parts.forth
    assert "drop" not in parts.forth
    assert "create" not in parts.back


@pytest.mark.parametrize(
    "text",
    [
        UP,
        f"-- migrate:up\n{UP}",
        f"-- migrate:up\n{UP}-- migrate:down\n",
        f"{UP}-- migrate:down\n-- drop table public.a;\n/* nor this */\n",
        f"{UP}-- Down here is a comment\n{DOWN}",
        f"{UP}-- To roll back:\n{DOWN}",
        f"{UP}-- see migrate:down\n{DOWN}",
        "",
    ],
)
def test_everything_else_stays_as_it_is(text: str) -> None:
    assert sections.split(text) == sections.Sections(text)


def found(root: Path, text: str, **rollbacks: str) -> migrations.Migration:
    projects.write(root, migrations={"1_a": text}, rollbacks=rollbacks)
    (migration,) = migrations.find(project.load(root))
    return migration


def test_a_migration_has_its_own_part_for_a_rollback(tmp_path: Path) -> None:
    migration = found(tmp_path, f"-- migrate:up\n{UP}-- migrate:down\n{DOWN}")
    assert [s.text for s in migration.script.statements] == ["create table public.a ()"]
    assert migration.rollback is not None
    assert (migration.rollback.file, migration.rollback.problem) == (migration.file, None)
    (undo,) = migration.rollback.script.statements
    assert (undo.text, undo.line) == ("drop table public.a", 4)
    assert any("the Supabase CLI would run it with the rest" in said for said in migration.findings)


def test_a_script_of_its_own_goes_before(tmp_path: Path) -> None:
    migration = found(tmp_path, f"{UP}-- migrate:down\n{DOWN}", **{"1_a": "select 1;\n"})
    assert migration.rollback is not None
    assert "rollbacks" in migration.rollback.file


def test_psqls_language_is_no_rollback_inside_a_migration(tmp_path: Path) -> None:
    migration = found(tmp_path, f"{UP}-- migrate:down\n\\set a 1\ndrop table :a;\n")
    assert migration.problem is None
    assert migration.rollback is not None
    assert f"{migration.file}:3:1: \\set is a command of psql" in (migration.rollback.problem or "")
