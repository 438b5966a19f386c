"""The archive_command: what it says is archived is there whole, and nothing that is there is ever another."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from ops import wal_archive
from tests import fix_archiving

NAME = "000000010000000000000007"


@pytest.fixture
def segment(tmp_path: Path) -> Path:
    (tmp_path / "archive").mkdir()
    path = tmp_path / NAME
    path.write_bytes(bytes(range(256)) * 8192)
    return path


def archived(source: Path, name: str = NAME) -> int:
    return wal_archive.main([str(source), name, str(source.parent / "archive")])


@pytest.mark.parametrize("name", [NAME, "00000002.history", f"{NAME}.partial", f"{NAME}.00000028.backup"])
def test_a_file_is_archived_whole_and_the_same_one_again_is_fine(segment: Path, name: str):
    for _ in range(2):
        assert archived(segment, name) == 0
        there = list((segment.parent / "archive").iterdir())
        assert [path.name for path in there] == [name]
        assert there[0].read_bytes() == segment.read_bytes()


@pytest.mark.parametrize("change", [lambda b: b"x" + b[1:], lambda b: b[:-1], lambda b: b + b"x"])
def test_another_file_of_that_name_is_never_written_over(segment: Path, change, capsys):
    target = segment.parent / "archive" / NAME
    target.write_bytes(change(segment.read_bytes()))
    before = target.read_bytes()
    assert archived(segment) == 1
    assert target.read_bytes() == before
    assert f"{NAME} is not archived" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "../evil", "a b", ".hidden", "00000001/7"])
def test_only_names_of_the_wal_are_taken(segment: Path, name: str):
    assert archived(segment, name) == 1
    assert list((segment.parent / "archive").iterdir()) == []


def test_what_cannot_be_written_to_its_end_leaves_nothing(segment: Path):
    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    done = subprocess.run(
        [sys.executable, wal_archive.__file__, segment, NAME, segment.parent / "archive"],
        preexec_fn=small,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert list((segment.parent / "archive").iterdir()) == []


def test_a_folder_that_is_not_there_and_a_missing_file_are_said(segment: Path, capsys):
    assert wal_archive.main([str(segment), NAME, str(segment.parent / "nowhere")]) == 1
    assert archived(segment.with_name("gone")) == 1
    assert wal_archive.main([]) == 2
    assert capsys.readouterr().err.count("No such file or directory") == 2


def test_the_command_takes_the_short_way():
    loaded = "import sys, cli.entry, ops.wal_archive; print({'typer', 'pydantic', 'dataclasses'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-S", "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
    called = [sys.executable, "-c", "from cli.entry import main; main()", "archive-wal"]
    assert subprocess.run(called, capture_output=True, check=False).returncode == 2


def test_the_plain_pattern_of_the_page_is_the_one_that_the_tests_archive_with():
    page = (Path(__file__).parents[2] / "docs" / "base-backup.md").read_text("utf-8")
    assert fix_archiving.COPY.format(wal="/srv/backups/wal") in page
