"""Where in a repository the project is."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import errors, project
from tests import projects


def in_(root: Path, *folders: str) -> Path:
    for folder in folders:
        projects.write(root / folder, migrations={"1_a": "select 1;\n"})
    return root


@pytest.mark.parametrize(
    ("folders", "named", "found"),
    [
        (("",), "", ""),
        (("",), "supabase", ""),
        (("apps/web",), "", "apps/web"),
        (("apps/web",), "apps", "apps/web"),
        (("", "packages/other"), "", ""),
        (("apps/web", "node_modules/kit", ".cache/kit"), "", "apps/web"),
    ],
)
def test_a_project_is_found(tmp_path: Path, folders: tuple[str, ...], named: str, found: str) -> None:
    in_(tmp_path, *folders)
    assert project.load(tmp_path / named).root == (tmp_path / found).resolve()


def test_two_projects_are_not_guessed_between(tmp_path: Path) -> None:
    in_(tmp_path, "apps/web", "apps/admin")
    (tmp_path / "docs/supabase/migrations").mkdir(parents=True)
    with pytest.raises(
        errors.Refused, match=r"2 Supabase projects.*: apps/admin, apps/web\. Name one of them"
    ):
        project.load(tmp_path)


def test_a_configuration_says_where_the_project_is(tmp_path: Path) -> None:
    in_(tmp_path, "apps/web")
    (tmp_path / project.CONFIG_NAME).write_text('[project]\nmigrations = ["apps/web/supabase/migrations"]\n')
    assert project.load(tmp_path).root == tmp_path.resolve()


def test_a_wrong_key_is_named_with_the_line_in_its_own_table(tmp_path: Path):
    text = "[environments.staging]\nrehearse = true\n\n[environments.prod]\nrehears = true\n"
    (tmp_path / "runbooks.toml").write_text(text)
    with pytest.raises(errors.Refused, match=r"runbooks.toml:5: environments.prod.rehears: .*'rehearse'"):
        project.load(tmp_path)


def test_the_nearest_table_is_named(tmp_path: Path):
    (tmp_path / "runbooks.toml").write_text("[deplo]\n")
    with pytest.raises(errors.Refused, match=r"unknown table 'deplo'; .*nearest key is 'deploy'"):
        project.load(tmp_path)


def test_a_key_of_two_tables_is_found_in_the_one_where_it_is_wrong(tmp_path: Path):
    (tmp_path / "runbooks.toml").write_text('[project]\nname = "shop"\n\n[integrity]\nname = "shop"\n')
    with pytest.raises(errors.Refused, match=r"runbooks.toml:5: integrity.name"):
        project.load(tmp_path)
