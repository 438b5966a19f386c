"""A project whose production has a Storage with objects, a copy of its buckets, and what was declared of them."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cli import storage as command
from flows.incident_storage import incident_storage
from ops import errors, storage_contract
from ops.checked import Checked
from ops.incident_storage import Act
from tests import fix_storage, projects
from tests.fix_storage import Storage

WHY = "customers see broken evidence"
BUCKETS = """\
insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types) values
('evidence', 'evidence', false, 1000000, array['text/plain', 'image/png']), ('ebooks', 'ebooks', true, null, null);
create policy "owners read their evidence" on storage.objects for select to authenticated
using (bucket_id = 'evidence' and owner_id = (select auth.uid())::text);
"""
FILES = {
    ("evidence", "a.txt"): b"one",
    ("evidence", "docs/b c.txt"): b"two",
    ("evidence", "docs/deep/d.png"): b"three" * 1000,
    ("evidence", "empty.txt"): b"",
    ("ebooks", "book.txt"): b"a whole book",
}
CONFIG = """\
[environments.production]
database = "file:{folder}/dsn"
[environments.production.storage]
url = "file:{folder}/url"
key = "file:{folder}/key"
backup = "file:{folder}/backup-folder"
files = "file:{folder}/files-folder"
{more}
"""


@dataclass
class Site:
    """A project, its database, its Storage, and a copy of the buckets."""

    project: Path
    storage: Storage
    dsn: str
    backup: Path

    def configure(self, more: str = "", **other: str) -> None:
        text = CONFIG.format(folder=self.project.parent, more=more)
        for name, line in other.items():
            text = "\n".join(line if each.startswith(f"{name} =") else each for each in text.splitlines())
        (self.project / "runbooks.toml").write_text(text, "utf-8")

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(text.encode())
            return cursor.fetchall() if cursor.description else []

    def declare(self) -> None:
        assert (
            command.declare(f"file:{self.project.parent}/dsn", self.project / storage_contract.CONVENTION)
            == 0
        )

    def copy(self) -> None:
        """Copy the buckets, as a person or a job does: by the paths of the objects."""
        for bucket, name in FILES:
            target = self.backup / bucket / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.storage.file(bucket, name), target)

    def look(self, act: Act = Act.LOOK, *, whole: bool = False) -> Checked:
        try:
            found = incident_storage.fn(str(self.project), "production", act, WHY, whole)
        except errors.CheckFailed as error:
            found = error.evidence
        if not isinstance(found, Checked):
            raise errors.Denied(str(getattr(found, "message", found)))
        return found

    def bytes(self) -> dict[tuple[str, str], bytes]:
        """Return what each object has in its bucket."""
        there = {key: self.storage.file(*key) for key in FILES if self.storage.row(*key)}
        return {key: path.read_bytes() for key, path in there.items() if path.is_file()}


@pytest.fixture
def storage_site(tmp_path: Path, shaped_admin: str) -> Generator[Site]:
    for name in ("files", "backup"):
        (tmp_path / name).mkdir()
    with fix_storage.serving(tmp_path / "files", shaped_admin) as storage:
        secrets = {"dsn": shaped_admin, "url": storage.url, "key": fix_storage.key("service_role")}
        secrets |= {f"{name}-folder": str(tmp_path / name) for name in ("files", "backup")}
        for name, said in secrets.items():
            (tmp_path / name).write_text(said, "utf-8")
        project = projects.write(tmp_path / "app", migrations={}, config="")
        made = Site(project, storage, shaped_admin, tmp_path / "backup")
        made.configure()
        made.sql(BUCKETS)
        for (bucket, name), data in FILES.items():
            storage.put(bucket, name, data, mimetype="image/png" if name.endswith("png") else "text/plain")
        made.sql("update storage.objects set owner_id = 'somebody', user_metadata = '{\"case\": \"4711\"}'")
        made.copy()
        made.declare()
        yield made
