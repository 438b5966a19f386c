"""A good backup with its archive, copied so that the copy can be damaged, and drills of the copy."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from ops import os_user, postmaster, reference
from ops.drill import Drilled
from tests.drills import Shop
from tests.fix_backups import Live, living
from tests.polling import wait_until

SEGMENT = len("000000010000000000000001")


def mark(number: int) -> str:
    """A text that stands in one row of production, and so in one place of its WAL."""
    return f"mark-{number:03}-" + hashlib.md5(str(number).encode()).hexdigest()


@contextmanager
def production(folder: Path) -> Generator[Shop]:
    """Run a production of which nothing is archived but what is written here, however long the tests take."""
    with living(timeout=3600) as live:
        yield written(live, folder)


def written(live: Live, folder: Path) -> Shop:
    """Production with an app, a base backup, and WAL behind it: two segments, the reference, and three more."""
    shop = Shop.at(live, folder, rpo="10 h")
    live.ask("create table public.parcels as select i as id from generate_series(1, 50) i")
    # With no hint left to set, no page is written to the WAL whole for that.
    live.ask("vacuum (freeze) public.customers")
    live.base_backup("b1")
    for number in range(5):
        if number == 2:
            shop.refer()
        live.ask(
            f"insert into public.orders (customer_id, total, note) values (1, {number}, '{mark(number)}')"
        )
        shop.beat()
        live.archive()
    return shop


@dataclass
class Copy:
    """A copy of a backup, its archive and its reference; `shop` drills it."""

    shop: Shop
    home: Path

    @property
    def base(self) -> Path:
        return self.home / "base" / "b1"

    @property
    def wal(self) -> Path:
        return self.home / "wal"

    @property
    def scratch(self) -> Path:
        return self.home / "scratch"

    def relation(self, name: str) -> Path:
        """Where the backup has a table or an index."""
        ((path,),) = self.shop.live.ask(f"select pg_relation_filepath('public.{name}')")
        return self.base / str(path)

    def segments(self) -> list[Path]:
        """The segments that the backup needs, from old to new."""
        first = (self.base / "backup_label").read_text().split("(file ")[1][:SEGMENT]
        return sorted(p for p in self.wal.iterdir() if len(p.name) == SEGMENT and p.name >= first)

    def segment_of(self, number: int) -> Path:
        """The segment in which a marked row was written."""
        (found,) = [each for each in self.segments() if mark(number).encode() in each.read_bytes()]
        return found

    def set(self, old: str, new: str) -> None:
        """Change the project's configuration."""
        path = self.shop.root / "runbooks.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def vouch(self, path: Path) -> None:
        """Let the manifest say that a file was so when it was backed up."""
        manifest = self.base / "backup_manifest"
        name, content = path.relative_to(self.base), path.read_bytes()
        body, _, _ = manifest.read_text().rpartition('"Manifest-Checksum"')
        entry = (
            f'"Size": {len(content)}, \\1, "Checksum-Algorithm": "SHA256", "Checksum": "{_sha256(content)}"'
        )
        pattern = f'(?<="{re.escape(str(name))}", )"Size": .*?, ("Last-Modified": ".*?"), .*?(?= }})'
        body, count = re.subn(pattern, entry, body)
        assert count == 1
        manifest.write_text(f'{body}"Manifest-Checksum": "{_sha256(body.encode())}"}}\n')

    def diverge(self, statements: str) -> None:
        """Let the archive behind the backup be of a cluster that did something else, up to beyond the reference."""
        (kept,) = reference.kept(self.shop.root, "production")
        user, data, bindir = os_user.find(), self.home / "other", self.shop.live.server.bindir
        subprocess.run(["cp", "-a", self.base, data], check=True)
        (data / "recovery.signal").unlink(missing_ok=True)
        for each in self.segments()[1:]:
            each.unlink()
        settings = {
            "unix_socket_directories": str(self.home),
            "archive_mode": "on",
            "archive_command": f"test -f {self.wal}/%f || cp %p {self.wal}/%f",
        }
        self.home.chmod(0o777)
        with postmaster.running(bindir / "postgres", data, user=user, settings=settings):
            dsn = f"host={self.home} port=5432 dbname=postgres user=supabase_admin"
            with psycopg.connect(dsn, autocommit=True) as other:
                other.execute(statements.encode())
                while _lsn(other) < kept.lsn:
                    other.execute("select pg_logical_emit_message(true, 'test', 'more'), pg_switch_wal()")
                ((last,),) = other.execute("select pg_walfile_name(pg_current_wal_lsn())").fetchall()
                other.execute("select pg_logical_emit_message(true, 'test', 'more'), pg_switch_wal()")
            wait_until((self.wal / last).exists, seconds=60)
        shutil.rmtree(data)

    @contextmanager
    def small_disk(self, *, files: int, size: str = "2g") -> Generator[None]:
        """Let what is restored to be a disk of its own, which is full after so many files."""
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755,nr_inodes={files}", "drill", self.scratch],
            check=True,
        )
        try:
            yield
        finally:
            subprocess.run(["umount", self.scratch], check=True)

    def drill(self, **choices: str) -> Drilled:
        """Drill it; neither a server nor a folder is left."""
        found = self.shop.drill(**choices)
        assert list(self.scratch.iterdir()) == []
        assert self.processes() == []
        return found

    def processes(self) -> list[str]:
        """What still runs of a restored cluster, its restore_command included."""
        return [
            " ".join(each.info["cmdline"])
            for each in psutil.process_iter(["cmdline"])
            if any(str(self.home) in word for word in each.info["cmdline"] or ())
        ]


@contextmanager
def copied(of: Shop, *, production: bool = False) -> Generator[Copy]:
    """Copy what a drill needs; the copy is gone afterwards. Without production, only the backup is judged."""
    with tempfile.TemporaryDirectory(prefix="drill-", dir="/tmp") as name:
        home = Path(name)
        home.chmod(0o755)
        for each in ("base", "wal"):
            subprocess.run(["cp", "-a", of.live.folder / each, home / each], check=True)
        (home / "scratch").mkdir(mode=0o755)
        shop = Shop(Live(of.live.server, home), home / "shop")
        shutil.copytree(of.root, shop.root, ignore=shutil.ignore_patterns("runs", "drills"))
        text = (of.root / "runbooks.toml").read_text().replace(str(of.live.folder), name)
        (shop.root / "runbooks.toml").write_text(f'{text}scratch = "{home / "scratch"}"\n')
        copy = Copy(shop, home)
        if not production:
            copy.set('database = "file:', '# database = "file:')
        yield copy


def _lsn(connection: psycopg.Connection[Any]) -> int:
    ((place,),) = connection.execute("select pg_current_wal_insert_lsn() - '0/0'").fetchall()
    return int(place)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
