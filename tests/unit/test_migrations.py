"""Migration files as the Supabase CLI lists them, and which must be refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import errors, migrations, project
from tests import projects


def found(root: Path, *names: str, config: str | None = None) -> list[str]:
    projects.write(
        root,
        migrations={},
        files={name if "/" in name else f"supabase/migrations/{name}": "select 1;\n" for name in names},
        config=config,
    )
    return [migration.path.name for migration in migrations.find(project.load(root))]


def test_the_order_is_that_of_the_versions_as_text(tmp_path: Path) -> None:
    names = ["10_a.sql", "2_a.sql", "20260101000000_B.sql", "20260101000001_a.sql", "3_é.sql"]
    assert found(tmp_path, *reversed(names)) == names


@pytest.mark.parametrize(
    ("name", "version", "title"),
    [
        ("20260101000000_orders.sql", "20260101000000", "orders"),
        ("1_a.sql", "1", "a"),
        ("0001_a b-c.d.sql", "0001", "a b-c.d"),
        ("20260101000000_.sql", "20260101000000", ""),
        ("20260101000000_2_x.sql", "20260101000000", "2_x"),
        ("20260101000000_é漢.sql", "20260101000000", "é漢"),
    ],
)
def test_a_name_is_a_version_and_a_title(tmp_path: Path, name: str, version: str, title: str) -> None:
    assert found(tmp_path, name) == [name]
    (migration,) = migrations.find(project.load(tmp_path))
    assert (migration.version, migration.name, migration.file) == (
        version,
        title,
        f"supabase/migrations/{name}",
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("orders.sql", "its name is not <digits>_<name>.sql"),
        ("20260101000000.sql", "its name is not <digits>_<name>.sql"),
        ("V1__orders.sql", "its name is not <digits>_<name>.sql"),
        ("20260101000000_orders.SQL", "its name is not <digits>_<name>.sql"),
        ("supabase/migrations/old/20260101000000_orders.sql", "is a folder"),
        ("supabase/migrations/20260101000000_x.sql/a.sql", "is a folder"),
        ("20200101000000_init.sql", "an old first `_init` file"),
    ],
)
def test_what_the_cli_skips_is_skipped_and_said(tmp_path: Path, name: str, says: str) -> None:
    assert found(tmp_path, name, "20260201000000_b.sql") == ["20260201000000_b.sql"]
    (sentence,) = migrations.skipped(project.load(tmp_path))
    assert says in sentence


@pytest.mark.parametrize(
    "name", ["README.md", ".gitkeep", "orders.sql.bak", ".DS_Store", "20260101000000_a.sql~"]
)
def test_other_files_are_not_mentioned(tmp_path: Path, name: str) -> None:
    assert found(tmp_path, name, "20260201000000_b.sql") == ["20260201000000_b.sql"]
    assert migrations.skipped(project.load(tmp_path)) == ()


def test_a_later_init_file_runs(tmp_path: Path) -> None:
    assert found(tmp_path, "20220101000000_init.sql") == ["20220101000000_init.sql"]
    assert found(tmp_path, "20200101000000_a.sql", "20200202000000_init.sql")[1] == "20200202000000_init.sql"


def test_several_folders_are_one_list(tmp_path: Path) -> None:
    config = '[project]\nmigrations = ["supabase/migrations", "more"]\n'
    assert found(tmp_path, "1_a.sql", "3_c.sql", "more/2_b.sql", config=config) == [
        "1_a.sql",
        "2_b.sql",
        "3_c.sql",
    ]


def test_both_files_of_a_version_are_refused_and_name_each_other(tmp_path: Path) -> None:
    found(tmp_path, "1_a.sql", "1_b.sql", "2_c.sql")
    first, second, third = migrations.find(project.load(tmp_path))
    assert "1_b.sql" in (first.problem or "")
    assert "1_a.sql" in (second.problem or "")
    assert third.problem is None


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ((), "has no folder supabase/migrations"),
        (("supabase/schemas/a.sql",), "only declared schemas"),
        (("supabase/migrations/a.sql",), "its name is not <digits>_<name>.sql"),
        (("supabase/migrations/.gitkeep",), "supabase migration new"),
    ],
)
def test_a_project_without_migrations_is_refused(tmp_path: Path, names: tuple[str, ...], says: str) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    with pytest.raises(errors.Refused, match=says):
        migrations.find(project.load(tmp_path))


def test_the_digest_is_of_contents_and_their_order(tmp_path: Path) -> None:
    def digest(name: str, **files: str) -> str:
        root = tmp_path / name
        up = {key: text for key, text in files.items() if not key.startswith("down")}
        down = {key.removeprefix("down"): text for key, text in files.items() if key.startswith("down")}
        projects.write(root, migrations=up, rollbacks=down)
        return migrations.change_digest(migrations.find(project.load(root)))

    same = digest("a", **{"1_a": "select 1;", "2_b": "select 2;"})
    assert digest("b", **{"1_a": "select 1;", "2_b": "select 2;"}) == same
    assert digest("c", **{"1_renamed": "select 1;", "2_b": "select 2;"}) == same
    others = [
        digest("d", **{"1_a": "select 1; ", "2_b": "select 2;"}),
        digest("e", **{"1_a": "select 2;", "2_b": "select 1;"}),
        digest("f", **{"1_a": "select 1;", "3_b": "select 2;"}),
        digest("g", **{"1_a": "select 1;", "2_b": "select 2;", "down1_a": "select 0;"}),
    ]
    assert len({same, *others}) == 5


def test_findings_name_their_line(tmp_path: Path) -> None:
    projects.write(tmp_path, migrations={"1_a": "select 1;\nset role anon;\n"})
    (migration,) = migrations.find(project.load(tmp_path))
    assert migration.findings == ("line 2: SET ROLE: what follows runs, and is owned, as another role",)
