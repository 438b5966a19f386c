"""Which projects a fleet names, and what is wrong with one that names none."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import errors, fleet


def written(folder: Path, text: str, *projects: str) -> Path:
    for each in projects:
        (folder / each).mkdir(parents=True)
        (folder / each / "runbooks.toml").touch()
    path = folder / "fleet.toml"
    path.write_text(text)
    return path


def names(path: Path) -> list[str]:
    found = fleet.projects(path, fleet.read(path))
    return [each.relative_to(path.parent.resolve()).as_posix() for each in found]


def test_folders_and_globs_are_met_once_and_in_order(tmp_path: Path):
    path = written(
        tmp_path, 'projects = ["shop", "clients/*", "clients/b"]', "clients/b", "clients/a", "shop", "other"
    )
    (tmp_path / "clients" / "no-project").mkdir()
    assert names(path) == ["shop", "clients/a", "clients/b"]
    path.write_text(f'projects = ["{tmp_path}/clients/[b]"]')
    assert names(path) == ["clients/b"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('projects = ["shop", "blog"]', r"'blog' is no project: .*/blog/runbooks.toml does not exist"),
        ('projects = ["clients/*"]', r"'clients/\*' meets no folder with a runbooks.toml"),
        ("projects = []", r"fleet.toml:1: projects: .* at least 1 item"),
        ('projekts = ["shop"]', r"fleet.toml:1: projekts: there is no such key. .*projects"),
        ('projects = ["shop"]\nat_once = 0', r"fleet.toml:2: at_once: .* greater than or equal to 1"),
        ("projects = [", "fleet.toml cannot be read as TOML"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, said: str):
    path = written(tmp_path, text, "shop")
    with pytest.raises(errors.Refused, match=said):
        names(path)


def test_without_a_file_it_says_what_to_write(tmp_path: Path):
    with pytest.raises(errors.Refused, match=r"fleet.toml does not exist, .* Write it: projects = "):
        fleet.read(tmp_path / "fleet.toml")
