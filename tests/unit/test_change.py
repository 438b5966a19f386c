"""The digest of a change: each kind of file moves its own part, and nothing else moves any."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ops import change, migrations, overlays, project
from ops.change import Change
from tests import projects

CONFIG = """\
[environments.production]
overlays = ["db/prod.sql"]
[environments.staging]
overlays = ["db/staging.sql"]

[[release.gates]]
name = "everywhere"
file = "db/gate.sql"
not_null = true
[[release.gates]]
name = "in production"
query = "select 1"
equals = 1
environments = ["production"]
"""
FILES = {
    "db/prod.sql": "select 'prod';\n",
    "db/prod.down.sql": "select 'undo';\n",
    "db/staging.sql": "select 'staging';\n",
    "db/gate.sql": "select to_regclass('public.notes');\n",
    "supabase/verify/part.psql": "select true;\n",
    "supabase/verify/check.sql": "\\ir part.psql\n",
    "README.md": "nothing of the change\n",
}


def written(root: Path) -> Path:
    return projects.write(projects.sound(root), migrations={}, config=CONFIG, files=FILES)


def of(root: Path, environment: str | None = "production") -> Change:
    operated = project.load(root)
    where = operated.environment(environment) if environment else None
    found = overlays.find(operated, where) if where else ()
    return change.of(operated, where, migrations.find(operated), found)


@pytest.mark.parametrize(
    ("file", "part"),
    [
        (f"supabase/migrations/{projects.NOTES}.sql", "migrations or rollback scripts"),
        (f"supabase/rollbacks/{projects.NOTES}.down.sql", "migrations or rollback scripts"),
        ("db/prod.sql", "overlay"),
        ("db/prod.down.sql", "overlay"),
        ("supabase/rls_tests.sql", "verification files"),
        ("supabase/tests/notes.test.sql", "verification files"),
        ("supabase/verify/part.psql", "verification files"),
        ("db/gate.sql", "release gates"),
        ("runbooks.toml", "release gates"),
        ("db/staging.sql", None),
        ("README.md", None),
    ],
)
def test_each_file_moves_its_own_part(tmp_path: Path, file: str, part: str | None) -> None:
    before = of(written(tmp_path))
    path = tmp_path / file
    assert path.is_file()
    path.write_text(path.read_text().replace("equals = 1", "equals = 2") + "\n")
    after = of(tmp_path)
    assert [name.partition(" (")[0] for name in change.differing(before, after)] == ([part] if part else [])
    assert (before.digest == after.digest) == (part is None)


def test_it_is_the_same_wherever_the_project_lies(tmp_path: Path) -> None:
    here = written(tmp_path / "here")
    there = shutil.copytree(here, tmp_path / "there")
    assert of(here) == of(there)
    assert of(here).migrations == migrations.change_digest(migrations.find(project.load(here)))


def test_an_environment_has_its_overlay_and_its_gates(tmp_path: Path) -> None:
    root = written(tmp_path)
    production, staging, none = of(root), of(root, "staging"), of(root, None)
    assert (production.overlay_environment, staging.overlay_environment) == ("production", "staging")
    assert (none.overlay, none.overlay_environment) == ("", "")
    assert none.gates == staging.gates != production.gates
    (overlay,) = change.differing(none, staging)
    assert overlay == f"overlay (none there, staging's {staging.overlay[:8]} now)"
