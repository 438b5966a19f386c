"""The seal of a bundle: whatever is changed, added or removed afterwards is named."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from ops import bundle, errors, manifest


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A sealed bundle with files at the top and below."""
    kept = bundle.open_bundle(tmp_path, kind="rehearsal", started=datetime.now(UTC), run="run")
    kept.write_text("migration_apply.log", "==> a.sql\n")
    kept.write_text("naïve name.txt", "odd\n")
    kept.write_text("empty.log", "")
    kept.write_text("psql/deep/first.log", "text\n")
    kept.seal()
    return kept.path


def findings(path: Path) -> set[tuple[str, str]]:
    return {(row["state"], row["file"]) for row in manifest.verify(path).rows}


def test_untouched_bundle_holds(sealed: Path) -> None:
    found = manifest.verify(sealed, expected=manifest.digest(sealed))
    assert found.ok
    assert found.rows == ()
    assert found.summary.endswith("is as it was sealed: 5 files.")


def test_moved_or_copied_bundle_holds(sealed: Path, tmp_path: Path) -> None:
    assert manifest.verify(Path(shutil.copytree(sealed, tmp_path / "copy"))).ok


def write(name: str, text: str) -> Callable[[Path], object]:
    return lambda path: (path / name).write_text(text, encoding="utf-8")


def replaced_by_folder(path: Path) -> None:
    (path / "empty.log").unlink()
    (path / "empty.log").mkdir()


def replaced_by_link(path: Path) -> None:
    (path / "migration_apply.log").rename(path.parent / "moved.log")
    (path / "migration_apply.log").symlink_to(path.parent / "moved.log")


CHANGES: dict[str, tuple[Callable[[Path], object], set[tuple[str, str]]]] = {
    "longer": (write("migration_apply.log", "==> a.sql and more\n"), {("changed", "migration_apply.log")}),
    "same size": (write("migration_apply.log", "==> b.sql\n"), {("changed", "migration_apply.log")}),
    "emptied": (write("psql/deep/first.log", ""), {("changed", "psql/deep/first.log")}),
    "filled": (write("empty.log", "x"), {("changed", "empty.log")}),
    "removed": (lambda path: (path / "naïve name.txt").unlink(), {("removed", "naïve name.txt")}),
    "folder removed": (lambda path: shutil.rmtree(path / "psql"), {("removed", "psql/deep/first.log")}),
    "added": (write("extra.log", "x"), {("added", "extra.log")}),
    "added below": (write("psql/extra.log", "x"), {("added", "psql/extra.log")}),
    "hidden file added": (write(".hidden", "x"), {("added", ".hidden")}),
    "empty folder added": (lambda path: (path / "new").mkdir(), {("added", "new")}),
    "renamed": (
        lambda path: (path / "empty.log").rename(path / "other.log"),
        {("removed", "empty.log"), ("added", "other.log")},
    ),
    "became a folder": (replaced_by_folder, {("changed", "empty.log")}),
    "became a link": (replaced_by_link, {("changed", "migration_apply.log")}),
    "link added": (lambda path: (path / "link").symlink_to("/etc/hostname"), {("added", "link")}),
    "pipe added": (lambda path: os.mkfifo(path / "pipe"), {("added", "pipe")}),
    "case changed": (
        lambda path: (path / "empty.log").rename(path / "Empty.log"),
        {("removed", "empty.log"), ("added", "Empty.log")},
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_named(sealed: Path, change: str) -> None:
    act, expected = CHANGES[change]
    act(sealed)
    assert findings(sealed) == expected
    assert not manifest.verify(sealed).ok


def test_several_changes_are_all_named(sealed: Path) -> None:
    for name in ("longer", "removed", "added"):
        CHANGES[name][0](sealed)
    found = manifest.verify(sealed)
    assert found.summary.endswith("is not as it was sealed: 1 changed, 1 removed, 1 added.")
    assert {row["state"] for row in found.rows} == {"changed", "removed", "added"}


def rewritten(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    plain = json.loads((path / manifest.NAME).read_text("utf-8"))
    change(plain)
    (path / manifest.NAME).write_text(json.dumps(plain), encoding="utf-8")


def test_manifest_that_was_edited_is_seen(sealed: Path) -> None:
    rewritten(sealed, lambda plain: plain.update(run="another"))
    assert ("changed", manifest.NAME) in findings(sealed)


def test_file_and_manifest_changed_together_are_seen_by_the_digest(sealed: Path) -> None:
    digest = manifest.digest(sealed)
    again = bundle.open_bundle(sealed.parents[3], kind="rehearsal", started=datetime.now(UTC), run="run")
    assert again.path == sealed
    again.write_text("migration_apply.log", "forged\n")
    again.seal()
    assert manifest.verify(sealed).ok
    found = manifest.verify(sealed, expected=f"SHA256:{digest}\n")
    assert [row["file"] for row in found.rows] == [manifest.NAME]


@pytest.mark.parametrize("text", ["", "{}", "[]", "not json", '{"format": 2}'])
def test_manifest_that_cannot_be_read_is_a_finding(sealed: Path, text: str) -> None:
    (sealed / manifest.NAME).write_text(text, encoding="utf-8")
    assert findings(sealed) == {("changed", manifest.NAME)}


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "a/../../b", "migration_apply.log"])
def test_manifest_that_points_elsewhere_is_a_finding(sealed: Path, name: str) -> None:
    def add(plain: dict[str, object]) -> None:
        files = cast("list[object]", plain["files"])
        files.append({"name": name, "size": 1, "sha256": "0" * 64})

    rewritten(sealed, add)
    assert ("changed", manifest.NAME) in findings(sealed)


def test_manifest_that_is_a_link_is_a_finding(sealed: Path, tmp_path: Path) -> None:
    (sealed / manifest.NAME).rename(tmp_path / "manifest.json")
    (sealed / manifest.NAME).symlink_to(tmp_path / "manifest.json")
    assert ("changed", manifest.NAME) in findings(sealed)


def test_bundle_without_a_manifest_is_not_sealed(sealed: Path) -> None:
    (sealed / manifest.NAME).unlink()
    found = manifest.verify(sealed)
    assert not found.ok
    assert "not sealed" in found.summary


@pytest.mark.parametrize("name", ["absent", "migration_apply.log"])
def test_what_is_no_folder_is_refused(sealed: Path, name: str) -> None:
    with pytest.raises(errors.Refused, match="not a folder"):
        manifest.verify(sealed / name)


def test_link_in_a_bundle_cannot_be_sealed(tmp_path: Path) -> None:
    kept = bundle.open_bundle(tmp_path, kind="rehearsal", started=datetime.now(UTC))
    (kept.path / "link").symlink_to("/etc/hostname")
    with pytest.raises(errors.Refused, match="link"):
        kept.seal()
    assert not (kept.path / manifest.NAME).exists()
