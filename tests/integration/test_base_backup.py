"""A base backup made of a real server: whole, named, its WAL waited for, the old ones gone and the needed ones not."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.base_backup import base_backup
from ops import base_backup as ops_base_backup
from ops import (
    base_backup_folder,
    base_backup_take,
    embedded,
    errors,
    os_user,
    physical_holdings,
    physical_verify,
    wal_archive,
)
from ops.backup_settings import Physical
from ops.base_backup import Taken
from tests import fix_archiving, projects
from tests.fix_archiving import Archiving

CONFIG = """\
[environments.production]
database = "file:{secret}"

[environments.production.backups]
window = "1 s"
physical = {{ base = "{base}", wal = "{wal}", keep = 1{more} }}
"""
TIMELY = {"archive_timeout": "60"}


@pytest.fixture(scope="module")
def cluster() -> Generator[Archiving]:
    with fix_archiving.archiving(**TIMELY) as archiving:
        archiving.fill(1)
        yield archiving


@pytest.fixture
def archiving(cluster: Archiving, tmp_path: Path) -> Archiving:
    """The cluster, with a folder of backups of the test's own."""
    base = cluster.settings.base.with_name(tmp_path.name)
    return Archiving(cluster.server, cluster.settings.model_copy(update={"base": base}))


def project(archiving: Archiving, root: Path, *, more: str = "") -> Path:
    secret = root / "dsn"
    secret.write_text(archiving.dsn, "utf-8")
    where = {"base": archiving.settings.base, "wal": archiving.settings.wal}
    return projects.write(
        root / "app", migrations={}, config=CONFIG.format(secret=secret, more=more, **where)
    )


def made(path: Path, **chosen: object) -> Taken:
    return base_backup.fn(str(path), **chosen)  # pyright: ignore


def names(settings: Physical) -> list[str]:
    return [backup.id for backup in physical_holdings.holdings(settings).backups]


def pretend_older(settings: Physical, name: str, by: timedelta) -> str:
    """Let a backup have been made so much earlier."""
    path = base_backup_folder.record_path(settings.base / name)
    record = base_backup_folder.Record.model_validate_json(path.read_text("utf-8"))
    older = record.model_copy(update={"began": record.began - by, "ended": record.ended - by})
    path.write_text(older.model_dump_json(), "utf-8")
    return name


def test_a_backup_is_made_verified_and_the_next_one_lets_the_old_one_go(archiving: Archiving, tmp_path: Path):
    path = project(archiving, tmp_path)
    first = made(path)
    assert first.ok
    assert first.backup
    assert first.removed == ()
    assert first.backup.began > datetime.now(UTC) - timedelta(minutes=5)
    assert physical_verify.problems(archiving.settings, first.backup, lambda *_: None) == ()
    pretend_older(archiving.settings, first.backup.id, timedelta(days=2))
    archiving.fill(2)

    second = made(path)
    assert second.backup
    assert names(archiving.settings) == [first.backup.id, second.backup.id], "the window needs the first one"
    pretend_older(archiving.settings, second.backup.id, timedelta(days=1))
    archiving.fill(1)
    third = made(path)
    assert third.backup
    assert names(archiving.settings) == [second.backup.id, third.backup.id]
    assert first.backup.id in third.removed
    left = sorted(path.name for path in archiving.settings.wal.iterdir() if len(path.name) == 24)
    assert left[0] == base_backup_folder.read(archiving.settings.base / second.backup.id).label_segment
    assert physical_verify.problems(archiving.settings, second.backup, lambda *_: None) == ()
    assert not [each for each in archiving.settings.base.iterdir() if each.name.endswith(".unfinished")]


def test_nothing_is_removed_while_a_kept_backup_misses_wal(archiving: Archiving, tmp_path: Path):
    path = project(archiving, tmp_path)
    for days in (3, 2):
        taken = made(path)
        assert taken.backup
        pretend_older(archiving.settings, taken.backup.id, timedelta(days=days))
    gone = archiving.fill(2)[0]
    kept = (archiving.settings.wal / gone).read_bytes()
    (archiving.settings.wal / gone).unlink()
    broken = made(path)
    assert broken.removed == ()
    assert len(names(archiving.settings)) == 3
    (archiving.settings.wal / gone).write_bytes(kept)
    assert broken.backup
    pretend_older(archiving.settings, broken.backup.id, timedelta(days=1))
    assert len(made(path).removed) >= 2


def test_incremental_backups_build_on_each_other_until_a_full_one_is_due(
    archiving: Archiving, tmp_path: Path
):
    path = project(archiving, tmp_path, more=", incremental = true")
    full, *more = [made(path).backup for _ in range(3)]
    assert full
    assert [each.parents for each in more if each] == [(full.id,), (full.id, more[0].id if more[0] else "")]
    assert more[-1]
    assert physical_verify.problems(archiving.settings, more[-1], lambda *_: None) == ()
    asked = made(path, full=True).backup
    assert asked
    assert asked.parents == ()
    pretend_older(archiving.settings, full.id, timedelta(days=30))
    pretend_older(archiving.settings, asked.id, timedelta(days=8))
    due = made(path).backup
    assert due
    assert due.parents == ()


def test_what_pg_basebackup_leaves_when_it_dies_is_no_backup(archiving: Archiving, tmp_path: Path):
    path = project(archiving, tmp_path)
    left = archiving.settings.base / ".20260101T000000Z-full.unfinished"
    left.mkdir(parents=True)
    (left / "PG_VERSION").write_text("18\n")
    taken = made(path)
    assert taken.backup
    assert names(archiving.settings) == [taken.backup.id]
    assert not left.exists()


def test_two_runs_do_not_make_a_backup_at_once(archiving: Archiving, tmp_path: Path):
    plan = ops_base_backup.plan(str(project(archiving, tmp_path)), "production")
    with (
        ops_base_backup.opened(plan, "one"),
        pytest.raises(errors.Refused, match="Another run makes a base backup"),
        ops_base_backup.opened(plan, "two"),
    ):
        pass


def test_a_run_that_is_killed_leaves_no_backup_and_the_next_one_makes_one(
    archiving: Archiving, tmp_path: Path
):
    path = project(archiving, tmp_path)
    program = "import sys; from flows.base_backup import base_backup; base_backup.fn(sys.argv[1])"
    for _ in range(3):
        killed = subprocess.Popen([sys.executable, "-c", program, path])
        fix_archiving.wait_until(
            lambda: bool(list(archiving.settings.base.glob(".*.unfinished"))), seconds=60
        )
        killed.kill()
        killed.wait()
        assert names(archiving.settings) == []

    def made_at_last() -> bool:
        # As long as its pg_basebackup lives, nobody else begins.
        with contextlib.suppress(errors.Refused):
            return made(path).ok
        return False

    fix_archiving.wait_until(made_at_last, seconds=60)
    (name,) = names(archiving.settings)
    assert sorted(each.name for each in archiving.settings.base.iterdir() if each.is_dir()) == [name]


def test_a_login_that_may_not_replicate_and_other_programs_are_refused(archiving: Archiving, tmp_path: Path):
    path = project(archiving, tmp_path)
    (tmp_path / "dsn").write_text(archiving.server.dsn(user="authenticator"), "utf-8")
    with pytest.raises(errors.Refused, match="may not replicate"):
        made(path)
    path = project(archiving, tmp_path, more=f', bindir = "{fix_archiving.DEBIAN_15}"')
    with pytest.raises(errors.Refused, match="Name those of 18"):
        made(path)
    assert names(archiving.settings) == []


def test_archiving_that_is_off_fails_or_is_too_rare_is_found_and_the_backup_is_made(
    archiving: Archiving, tmp_path: Path
):
    path = project(archiving, tmp_path)

    def found(**settings: str) -> list[str]:
        archiving.set(**settings)
        plan = ops_base_backup.plan(str(path), "production")
        with ops_base_backup.opened(plan, "test") as taking:
            assert ops_base_backup.check_server(taking).ok is not bool(taking.problems)
            return [problem.kind for problem in taking.problems]

    good = archiving.run("show archive_command")[0][0]
    assert found() == []
    assert found(archive_timeout="0") == ["archive-timeout"]
    assert found(archive_timeout="3600") == ["archive-timeout"]
    assert found(archive_timeout="60", archive_command="") == ["not-archiving"]
    archiving.set(archive_command="false")
    archiving.run("select pg_logical_emit_message(true, 'test', 'x'), pg_switch_wal()")
    fix_archiving.wait_until(lambda: "archiving-fails" in found())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base_backup_take.await_wal, "__kwdefaults__", {"within": timedelta(seconds=1)})
        with pytest.raises(errors.CheckFailed, match="Its WAL is not archived"):
            made(path)
    assert len(names(archiving.settings)) == 1, "a backup that cannot be restored yet is better than none"
    archiving.set(archive_command=str(good))
    fix_archiving.wait_until(lambda: found() == [])
    assert made(path).ok


def may_run(program: str) -> bool:
    try:
        return os_user.find().run(program, "-c", "pass").returncode == 0
    except OSError:
        return False


def test_the_archive_command_of_ours_archives_what_can_be_restored():
    """As the server's own user, to whom the environment of the tests may be closed."""
    python = next(each for each in (sys.executable, "/usr/bin/python3") if may_run(each))
    program = Path("/tmp") / f"wal-archive-{os.getpid()}.py"
    program.write_bytes(Path(wal_archive.__file__).read_bytes())
    try:
        command = f"{shlex.quote(python)} -I -S {program} %p %f {{wal}}"
        with fix_archiving.archiving(command=command) as archiving:
            archiving.fill(1)
            archiving.backup("nightly")
            archiving.fill(2)
            (backup,) = physical_holdings.holdings(archiving.settings).backups
            assert physical_verify.problems(archiving.settings, backup, lambda *_: None) == ()
            assert not list(archiving.settings.wal.glob(".*"))
    finally:
        program.unlink()


def test_an_environment_without_physical_backups_is_refused(server: embedded.Server, tmp_path: Path):
    path = projects.write(tmp_path / "app", migrations={}, config="[environments.production]\n")
    with pytest.raises(errors.Refused, match=r"has no `backups\.physical`"):
        ops_base_backup.plan(str(path), "production")
