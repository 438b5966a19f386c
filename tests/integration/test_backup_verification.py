"""The nightly look on a real cluster: a good night passes; each break is found, told once, mended, and gone."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.backup_verification import backup_verification
from ops import base_backup_folder, database, drill_log, errors
from ops.backup_verification import VerifiedBackups
from ops.base_backup_folder import Record
from tests import fix_archiving, projects
from tests.fix_archiving import Archiving, flip
from tests.fix_webhook import webhook

CONFIG = """\
[project]
manager = "file:{manager}"

[environments.production]
database = "file:{secret}"

[environments.production.backups]
physical = {{ base = "{base}", wal = "{wal}" }}
"""
LAST = "2-last"


@dataclass
class Night:
    """A project whose backups are looked at, and who is told."""

    cluster: Archiving
    project: Path
    heard: list[dict[str, str]]

    def look(self) -> VerifiedBackups:
        """Look; a verdict that fails the run is returned as well."""
        try:
            found = backup_verification.fn(str(self.project))
        except errors.CheckFailed as error:
            found = error.evidence
        assert isinstance(found, VerifiedBackups)
        assert found.bundle
        written = json.loads((Path(found.bundle) / "backup-verification.json").read_text("utf-8"))
        assert written["verdict"] == found.verdict
        return found

    def relation(self, name: str, backup: str = LAST) -> Path:
        ((path,),) = self.cluster.run(f"select pg_relation_filepath('public.{name}')")
        return self.cluster.settings.base / backup / str(path)

    def older(self, index: int) -> Path:
        """A segment that only the backup before the last one needs."""
        base = self.cluster.settings.base
        first, last = (base_backup_folder.read(base / each).label_segment for each in ("1-old", LAST))
        found = [
            p for p in self.cluster.settings.wal.iterdir() if len(p.name) == 24 and first <= p.name < last
        ]
        return sorted(found)[index]

    def segment(self, index: int) -> Path:
        """A segment that the last backup needs."""
        first = base_backup_folder.read(self.cluster.settings.base / LAST).label_segment
        found = [p for p in self.cluster.settings.wal.iterdir() if len(p.name) == 24 and p.name >= first]
        return sorted(found)[index]


def pretend(folder: Path, age: timedelta) -> None:
    """Let a backup have been made so long ago."""
    at = datetime.now(UTC) - age
    record = Record(id=folder.name, began=at, ended=at)
    base_backup_folder.record_path(folder).write_text(record.model_dump_json(), "utf-8")


@pytest.fixture(scope="module")
def cluster() -> Generator[Archiving]:
    """A backup from before the window, one of last night, and WAL up to now."""
    with fix_archiving.archiving(archive_timeout="60") as archiving:
        archiving.write(2000)
        archiving.run("create index things_body on public.things (body)")
        archiving.fill(1)
        pretend(archiving.backup("1-old"), timedelta(days=8))
        archiving.fill(2)
        pretend(archiving.backup(LAST), timedelta(hours=20))
        archiving.fill(4)
        yield archiving


@pytest.fixture
def night(cluster: Archiving, tmp_path: Path) -> Generator[Night]:
    with webhook() as (url, heard):
        for name, value in (("manager", url), ("secret", cluster.dsn)):
            (tmp_path / name).write_text(value, "utf-8")
        config = CONFIG.format(
            manager=tmp_path / "manager",
            secret=tmp_path / "secret",
            base=cluster.settings.base,
            wal=cluster.settings.wal,
        )
        project = projects.write(tmp_path / "app", migrations={}, config=config)
        drilled(project, timedelta(days=30))
        yield Night(cluster, project, heard)


def drilled(project: Path, ago: timedelta, verdict: str = "passed") -> None:
    ended = (datetime.now(UTC) - ago).isoformat()
    drill_log.path(project, "production").unlink(missing_ok=True)
    drill_log.append(project, "production", {"run": "r", "ended": ended, "verdict": verdict})


@contextlib.contextmanager
def broken(path: Path, how: Callable[[Path], object]) -> Generator[None]:
    kept = path.read_bytes() if path.exists() else None
    how(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        if kept is not None:
            path.write_bytes(kept)


def cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def edit(path: Path) -> None:
    path.write_text(path.read_text("utf-8").replace('"Size": 3,', '"Size": 4,', 1), "utf-8")


BREAKS: dict[str, tuple[Callable[[Night], Path], Callable[[Path], object], str]] = {
    "flipped byte in a heap file": (lambda n: n.relation("things"), lambda p: flip(p, 9000), "file-changed"),
    "flipped byte in an index": (lambda n: n.relation("things_body"), lambda p: flip(p, 9000), "file-changed"),
    "flipped byte in a WAL segment": (lambda n: n.segment(2), lambda p: flip(p, 9000), "wal-damaged"),
    "missing WAL segment in the middle": (lambda n: n.segment(2), Path.unlink, "wal-gap"),
    "missing WAL segment at the end": (lambda n: n.segment(-1), Path.unlink, "wal-gap"),
    "truncated backup": (lambda n: n.relation("things"), cut, "file-size"),
    "edited manifest": (
        lambda n: n.cluster.settings.base / LAST / "backup_manifest", edit, "manifest-edited"
    ),
    "a backup that is too old": (
        lambda n: base_backup_folder.record_path(n.cluster.settings.base / LAST),
        lambda p: pretend(p.with_name(LAST), timedelta(hours=27)),
        "too-old",
    ),
    "flipped byte in WAL of the older one": (lambda n: n.older(1), lambda p: flip(p, 9000), "wal-damaged"),
    "emptied WAL segment of the older one": (lambda n: n.older(1), lambda p: p.write_bytes(b""), "wal-damaged"),
    "truncated file of the older one": (lambda n: n.relation("things", "1-old"), cut, "file-size"),
    "no drill for too long": (
        lambda n: drill_log.path(n.project, "production"),
        lambda p: drilled(p.parents[3], timedelta(days=101)),
        "drill-overdue",
    ),
    "the server does not answer": (
        lambda n: n.project.parent / "secret",
        lambda p: p.write_text("postgresql://nobody@127.0.0.1:1/postgres", "utf-8"),
        "server-unasked",
    ),
}  # fmt: skip


def test_a_good_night_passes_and_nobody_is_told(night: Night):
    found = night.look()
    assert (found.verdict, found.problems, found.told) == ("passed", (), ())
    assert found.newest
    assert found.newest.id == LAST
    assert found.earliest
    assert found.earliest < datetime.now(UTC) - timedelta(days=7)
    assert night.heard == []


@pytest.mark.parametrize("named", BREAKS)
def test_a_break_is_found_told_once_mended_and_gone(night: Night, named: str):
    where, how, kind = BREAKS[named]
    with broken(where(night), how):
        first, second = night.look(), night.look()
    assert [first.verdict, second.verdict] == ["failed", "failed"]
    kinds = [each.kind for each in first.problems]
    assert kinds == ([kind, "window-short"] if "in the middle" in named or "older one" in named else [kind])
    (heard,) = night.heard
    assert heard["text"].startswith("BACKUPS FAILED: app on production.")
    assert night.look().verdict == "passed"
    assert f"Not any more: {kind}" in night.heard[-1]["text"]
    assert len(night.heard) == 2


def test_no_backup_at_all_and_no_folder(night: Night, tmp_path: Path):
    config = night.project / "runbooks.toml"
    base = night.cluster.settings.base
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    config.write_text(config.read_text("utf-8").replace(str(base), str(nothing)), "utf-8")
    found = night.look()
    assert {each.kind for each in found.problems} == {"no-backup", "window-short"}
    nothing.rmdir()
    with pytest.raises(errors.Refused, match="cannot be read"):
        backup_verification.fn(str(night.project))
    assert "could not be verified" in night.heard[-1]["text"]


def test_who_could_not_be_told_is_told_the_next_time(night: Night):
    manager = night.project.parent / "manager"
    url = manager.read_text("utf-8")
    drilled(night.project, timedelta(days=200))
    manager.write_text("http://127.0.0.1:1/", "utf-8")
    assert "was not told" in night.look().told[0]
    manager.write_text(url, "utf-8")
    night.look()
    assert len(night.heard) == 1


def test_what_is_new_is_said_and_does_not_fail(night: Night):
    """Whoever has looked for less than a window cannot have lost it, and has not had the time for a drill."""
    old = night.cluster.settings.base / "1-old"
    drill_log.path(night.project, "production").unlink()
    pretend(old, timedelta(days=3))
    try:
        found = night.look()
    finally:
        pretend(old, timedelta(days=8))
    assert (found.verdict, found.ok) == ("attention", True)
    assert [each.kind for each in found.problems] == ["window-short", "no-drill"]
    drilled(night.project, timedelta(days=1), "failed")
    assert [each.kind for each in night.look().problems] == ["no-drill"]


@contextlib.contextmanager
def logged_elsewhere(night: Night, *drills: tuple[timedelta, str]) -> Generator[None]:
    """Let other machines have logged drills in production's own table, so long ago."""
    with database.connect(night.cluster.dsn) as connection:
        for number, (ago, verdict) in enumerate(drills):
            ended = (datetime.now(UTC) - ago).isoformat()
            entry = {"run": f"elsewhere-{number}", "ended": ended, "verdict": verdict}
            drill_log.record(connection, "production", entry)
    try:
        yield
    finally:
        night.cluster.run("drop schema runbooks cascade")


def test_a_drill_that_another_machine_has_logged_counts(night: Night):
    drilled(night.project, timedelta(days=200))
    with logged_elsewhere(night, (timedelta(days=300), "passed"), (timedelta(days=1), "failed")):
        assert [each.kind for each in night.look().problems] == ["drill-overdue"]
    with logged_elsewhere(night, (timedelta(days=2), "passed"), (timedelta(days=300), "passed")):
        assert night.look().verdict == "passed"
        drill_log.path(night.project, "production").unlink()
        assert night.look().verdict == "passed"
    assert [each.kind for each in night.look().problems] == ["no-drill"]


def test_a_database_that_cannot_be_asked_for_drills_leaves_the_file_to_say(night: Night):
    secret = night.project.parent / "secret"
    secret.write_text("postgresql://nobody@127.0.0.1:1/postgres", "utf-8")
    assert [each.kind for each in night.look().problems] == ["server-unasked"]
    drilled(night.project, timedelta(days=200))
    (_, overdue) = night.look().problems
    assert overdue.kind == "drill-overdue"
    assert "logged in runbooks.drills is not known" in overdue.said


def test_a_window_that_was_there_and_is_lost_fails(night: Night):
    night.look()
    memory = night.project / "artifacts" / "ops" / "backups" / "production.json"
    long_ago = (datetime.now(UTC) - timedelta(days=9)).isoformat()
    memory.write_text(json.dumps({**json.loads(memory.read_text("utf-8")), "since": long_ago}), "utf-8")
    old = night.cluster.settings.base / "1-old"
    away = old.rename(old.with_name(".away"))
    try:
        found = night.look()
    finally:
        away.rename(old)
    assert [each.kind for each in found.problems] == ["window-short"]
    assert found.verdict == "failed"


def test_a_backup_of_another_cluster_is_no_backup_of_this_server(night: Night):
    with fix_archiving.archiving(bindir=fix_archiving.DEBIAN_15, archive_timeout="60") as other:
        secret = night.project.parent / "secret"
        secret.write_text(other.dsn, "utf-8")
        assert "other-cluster" in {each.kind for each in night.look().problems}


def test_a_failing_archiver_is_found(night: Night):
    ((good,),) = night.cluster.run("show archive_command")
    night.cluster.set(archive_command="false")
    night.cluster.run("select pg_logical_emit_message(true, 'test', 'x'), pg_switch_wal()")
    fix_archiving.wait_until(lambda: "archiving-fails" in {each.kind for each in night.look().problems})
    night.cluster.set(archive_command=str(good))
    fix_archiving.wait_until(lambda: night.look().verdict == "passed")


def test_an_environment_without_backups_is_refused(tmp_path: Path):
    project = projects.write(tmp_path / "app", migrations={}, config="[environments.production]\n")
    with pytest.raises(errors.Refused, match="has no source of backups"):
        backup_verification.fn(str(project))
