"""Promote real projects and compare with what the Supabase CLI makes of them.

    python -m tests.real_projects FOLDER...

Each folder holds a `supabase/migrations`. One database gets everything by `supabase db push`; another gets the first
half so, and the rest by `prod-promotion`, after a rehearsal of the whole. Nothing of the folders is changed, and no
network is needed. A project that the CLI cannot apply, or whose rehearsal fails, is excluded, with the reason.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops import embedded, errors, migrations, project
from tests import fix_listening, fix_repository, fix_supabase_cli
from tests.alike import compared
from tests.fix_supabase_cli import SupabaseCli
from tests.releases import Shop

CONFIG = """\
[project]
contract = []
tests = []
seed = []

[environments.production]
database = "env:PRODUCTION_URL"

[environments.production.promotion]
require_merged = false
require_gate = false

[release]
checklist = []
"""
_NAME = "production"


class Excluded(Exception):
    """A project that proves nothing here, and why."""


@dataclass(frozen=True)
class Told:
    """What came of one project; `differences` is empty where both databases are the same."""

    files: int
    promoted: int
    differences: tuple[str, ...]
    notes: tuple[str, ...]


class Operated(Shop):
    """A copy of a real project under git, and the production that it is promoted to."""

    def __init__(self, source: Path, root: Path, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.dsn, self.admin_dsn = root, dsn, ""
        self.asked = []
        monkeypatch.setenv("PRODUCTION_URL", dsn)
        _copy(source, root)
        if (source / "supabase/config.toml").exists():
            shutil.copy(source / "supabase/config.toml", root / "supabase")
        (root / "runbooks.toml").write_text(CONFIG)
        (root / ".gitignore").write_text("artifacts/\n")
        fix_repository.git(root, "init", "-q", "-b", "main", ".")
        fix_repository.committed(root)

    def rehearsed(self) -> tuple[str, ...]:
        """Rehearse; where nothing but open tables fails it, again with no schema served by the API."""
        try:
            found = self.rehearse()
        except errors.OpsError as error:
            raise Excluded(f"it cannot be rehearsed: {error}") from None
        if found.ok:
            return ()
        holes = [finding for finding in found.rls.findings if finding.level == "error"]
        if re.search(r"migrations? |rollbacks? |chain", found.summary) or not holes:
            raise Excluded(f"its rehearsal fails: {found.summary}")
        _unserve(self.root)
        again = self.rehearse()
        if not again.ok:
            raise Excluded(f"its rehearsal fails: {again.summary}")
        return (f"{len(holes)} RLS holes, rehearsed with no schema served",)


def _copy(source: Path, root: Path, *, only: frozenset[str] | None = None) -> Path:
    """Copy the migrations; with `only`, no others. The CLI of today does not read each config.toml of yesterday."""
    folder = root / "supabase"
    (folder / "migrations").mkdir(parents=True)
    for file in (source / "supabase/migrations").glob("*.sql"):
        if only is None or file.name in only:
            shutil.copy(file, folder / "migrations")
    return root


def _unserve(root: Path) -> None:
    file = root / "supabase/config.toml"
    text = file.read_text() if file.exists() else ""
    text = re.sub(r"(?ms)^schemas\s*=\s*\[.*?\]", "schemas = []", text)
    if "schemas = []" not in text:
        text = (
            text.replace("[api]\n", "[api]\nschemas = []\n")
            if "[api]\n" in text
            else "[api]\nschemas = []\n" + text
        )
    file.write_text(text)
    fix_repository.committed(root)


def _push(cli: SupabaseCli) -> None:
    done = cli.call("db", "push")
    if done.returncode:
        raise Excluded(f"the CLI cannot apply it: {(done.stdout + done.stderr)[:600]}")


def promoted(source: Path, work: Path) -> Told:
    """Do both, and say what is not the same.

    Raises:
        Excluded: the CLI cannot apply it, or its rehearsal fails.
    """
    started = datetime.now(UTC)
    with ExitStack() as stack:
        servers = [stack.enter_context(_server()) for _ in range(2)]
        root = _copy(source, work / "all")
        files = [Path(each.file).name for each in migrations.find(project.load(root))]
        half = _copy(source, work / "half", only=frozenset(files[: len(files) // 2]))
        for folder, server in zip((root, half), servers, strict=True):
            _push(SupabaseCli(folder, fix_supabase_cli.url(server, _NAME), work / "home"))
        patched = stack.enter_context(pytest.MonkeyPatch.context())
        shop = Operated(source, work / "shop", servers[1].dsn(_NAME), patched)
        notes = shop.rehearsed()
        try:
            result = shop.promote()
        except errors.OpsError as error:
            return Told(len(files), 0, (f"not promoted: {error}",), notes)
        notes += (*result.findings, *(f"drift: {each}" for each in result.drift))
        if not result.ok:
            return Told(len(files), 0, (f"not promoted: {result.summary}",), notes)
        one, other = (server.dsn(_NAME, user=server.superuser) for server in servers)
        alike = compared((one, other), since=started)
        notes += (f"compared {alike.objects} objects and {alike.rows} rows", *map(_anew, alike.anew))
        applied = sum(each.status == "applied" for each in result.files)
        return Told(len(files), applied, alike.differences, notes)


@contextmanager
def _server() -> Generator[embedded.Server]:
    """A server for each of the two, since roles are of the whole server."""
    with embedded.running(listen=True) as server:
        fix_listening.set_password(server)
        embedded.create_database(server, _NAME, template=embedded.SHAPED)
        yield server


def _anew(table: str) -> str:
    return f"the same but for what is made anew each time: {table}"


def main(folders: list[str]) -> int:
    """Promote each and print a line for it; 1 where one of them is not the same."""
    different = 0
    for folder in folders:
        with tempfile.TemporaryDirectory() as work:
            try:
                told = promoted(Path(folder), Path(work))
            except (Excluded, errors.Refused) as error:
                print(f"excluded  {folder}: {' '.join(str(error).split())}", flush=True)
                continue
        word = "DIFFERENT" if told.differences else "equal    "
        print(f"{word} {folder}: {told.files} files, {told.promoted} promoted", flush=True)
        for line in (*told.differences, *told.notes):
            print(f"    {line}", flush=True)
        different += bool(told.differences)
    return 1 if different else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
