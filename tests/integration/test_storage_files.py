"""The files of Storage beside a restored database, through a server shaped by the published API."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ops import database, errors, storage_files
from ops.backup_settings import Storage
from tests import fix_storage

FILES = {"a.txt": b"one", "docs/b c.txt": b"two", "docs/deep/d.txt": b"three"}
BUCKET = "insert into storage.buckets (id, name) values ('evidence', 'evidence')"


@dataclass
class Restored:
    """A restored database that lists files, and the Storage that should have them."""

    connection: database.Connection
    storage: fix_storage.Storage
    settings: Storage

    def compare(self) -> tuple[int, set[str]]:
        count, problems = storage_files.compare(self.connection, self.settings)
        return count, {f"{each.kind} {each.object}" for each in problems}

    def file(self, name: str) -> Path:
        return self.storage.file("evidence", name)


@pytest.fixture
def restored(tmp_path: Path, shaped_admin: str) -> Generator[Restored]:
    (tmp_path / "key").write_text(fix_storage.key("service_role"))
    with (
        fix_storage.serving(tmp_path / "files", shaped_admin) as storage,
        database.connect(shaped_admin) as connection,
    ):
        (tmp_path / "url").write_text(storage.url)
        connection.execute(BUCKET)
        for name, data in FILES.items():
            storage.put("evidence", name, data)
        yield Restored(connection, storage, Storage(url=f"file:{tmp_path}/url", key=f"file:{tmp_path}/key"))


def test_all_files_are_there_and_what_no_row_lists_is_left_alone(restored: Restored):
    beside = restored.storage.root / "evidence" / "newer.txt"
    beside.write_bytes(b"new")
    assert restored.compare() == (3, set())


LOST: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "missing, though the database that Storage has lists it": (
        "docs/b c.txt",
        Path.unlink,
        "storage-file-missing evidence/docs/b c.txt",
    ),
    "another size": (
        "docs/deep/d.txt",
        lambda path: path.write_bytes(b"three!"),
        "storage-file-size evidence/docs/deep/d.txt",
    ),
    "another content": (
        "a.txt",
        lambda path: path.write_bytes(b"two"),
        "storage-file-changed evidence/a.txt",
    ),
}


@pytest.mark.parametrize("how", LOST)
def test_what_is_not_as_the_database_says_is_named(restored: Restored, how: str):
    name, harm, said = LOST[how]
    harm(restored.file(name))
    assert restored.compare() == (3, {said})


def test_all_missing_is_one_problem(restored: Restored):
    for name in FILES:
        restored.file(name).unlink()
    assert restored.compare() == (3, {"storage-file-missing evidence/a.txt"})


def test_a_key_that_is_not_taken_is_no_comparison(restored: Restored, tmp_path: Path):
    (tmp_path / "key").write_text("another-fake-key")
    with pytest.raises(errors.Refused, match="does not take the key"):
        restored.compare()


def test_nobody_there_is_no_comparison(restored: Restored, tmp_path: Path):
    (tmp_path / "url").write_text("http://127.0.0.1:9")
    with pytest.raises(errors.Unavailable, match="ConnectError"):
        restored.compare()
