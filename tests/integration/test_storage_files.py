"""The files of Storage beside a restored database, through a server shaped by the published API."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote

import pytest

from ops import database, embedded, errors, storage_files
from ops.backup_settings import Storage
from tests import fix_http

KEY = "a-fake-service-role-key"
FILES = {"a.txt": b"one", "docs/b c.txt": b"two", "docs/deep/d.txt": b"three"}
BUCKET = "insert into storage.buckets (id, name) values ('evidence', 'evidence')"
OBJECT = (
    "insert into storage.objects (bucket_id, name, metadata) values ('evidence', %(name)s, "
    "jsonb_build_object('size', %(size)s::bigint, 'eTag', %(tag)s::text))"
)


@contextmanager
def storage(files: dict[str, bytes]) -> Generator[str]:
    """Serve these files as Storage does: a listing by folders, a page at a time, and contents."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.headers["Authorization"] != f"Bearer {KEY}":
                self.answer(403, b"{}")
                return
            inside = f"{asked['prefix']}/" if asked["prefix"] else ""
            below = {
                name.removeprefix(inside): data for name, data in files.items() if name.startswith(inside)
            }
            folders = sorted({name.partition("/")[0] for name in below if "/" in name})
            entries = [{"name": folder, "id": None, "metadata": None} for folder in folders]
            entries += [
                {"name": name, "id": name, "metadata": {"size": len(data), "eTag": tag(data)}}
                for name, data in sorted(below.items())
                if "/" not in name
            ]
            offset = asked["offset"]
            self.answer(200, json.dumps(entries[offset : offset + 1]).encode())

        def do_GET(self) -> None:
            name = unquote(self.path.removeprefix("/storage/v1/object/authenticated/evidence/"))
            self.answer(200 if name in files else 404, files.get(name, b""))

    with fix_http.serving(Handler) as address:
        yield address


def tag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


@pytest.fixture
def connection(server: embedded.Server, shaped_admin: str) -> Generator[database.Connection]:
    with database.connect(shaped_admin) as connected:
        connected.execute(BUCKET)
        for name, data in FILES.items():
            connected.execute(OBJECT, {"name": name, "size": len(data), "tag": tag(data)})
        yield connected


def compared(
    connection: database.Connection, files: dict[str, bytes], folder: Path, *, key: str = KEY
) -> tuple[int, set[str]]:
    secret = folder / "key"
    secret.write_text(key)
    with storage(files) as address:
        (folder / "url").write_text(address)
        settings = Storage(url=f"file:{folder}/url", key=f"file:{secret}")
        count, problems = storage_files.compare(connection, settings)
    return count, {f"{each.kind} {each.object}" for each in problems}


def test_all_files_are_there_and_newer_ones_are_left_alone(connection: database.Connection, tmp_path: Path):
    assert compared(connection, {**FILES, "newer.txt": b"new"}, tmp_path) == (3, set())


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {k: v for k, v in FILES.items() if k != "docs/b c.txt"},
            "storage-file-missing evidence/docs/b c.txt",
        ),
        ({}, "storage-file-missing evidence/a.txt"),
        (FILES | {"docs/deep/d.txt": b"three!"}, "storage-file-size evidence/docs/deep/d.txt"),
        (FILES | {"a.txt": b"two"}, "storage-file-changed evidence/a.txt"),
    ],
    ids=["missing", "all missing", "another size", "another content"],
)
def test_what_is_not_as_the_database_says_is_named(
    connection: database.Connection, tmp_path: Path, files: dict[str, bytes], said: str
):
    assert compared(connection, files, tmp_path) == (3, {said})


def test_a_key_that_is_not_taken_is_no_comparison(connection: database.Connection, tmp_path: Path):
    with pytest.raises(errors.Unavailable, match="it answers 403"):
        compared(connection, FILES, tmp_path, key="another-fake-key")


def test_nobody_there_is_no_comparison(connection: database.Connection, tmp_path: Path):
    (tmp_path / "url").write_text("http://127.0.0.1:9")
    (tmp_path / "key").write_text(KEY)
    settings = Storage(url=f"file:{tmp_path}/url", key=f"file:{tmp_path}/key")
    with pytest.raises(errors.Unavailable, match="ConnectError"):
        storage_files.compare(connection, settings)
