"""Dumps of a project in the shape of a hosted one: made of one moment, restored whole, each damage found."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from ops import embedded, errors, logical_dump, recovery_target
from ops.backup_settings import Drill, Logical
from ops.logical import LogicalSource
from tests import fix_listening, fix_pgbouncer
from tests.fix_hosted import open_hosted
from tests.fix_postgres import fresh_database

WITHIN = timedelta(minutes=5)
LATEST = recovery_target.read("latest")
# As a project has it: objects on the platform's own tables, a cycle of privileges, and rows of people.
PROJECT = """
create extension if not exists vector with schema extensions;
create type public.mood as enum ('sad', 'ok');
create table public.notes (id bigint generated always as identity primary key, owner uuid, mood public.mood, body text);
alter table public.notes enable row level security;
create policy own on public.notes for select to authenticated using (owner = auth.uid());
create role logical_reader;
grant select on public.notes to logical_reader;
create table public.empty (id int primary key);
insert into public.notes (owner, mood, body)
    select gen_random_uuid(), 'ok', 'note ' || n from generate_series(1, 500) n;
create table public.profiles (id uuid primary key references auth.users (id), name text);
create function public.on_new_user() returns trigger language plpgsql security definer set search_path = ''
    as $f$ begin insert into public.profiles (id, name) values (new.id, new.email); return new; end $f$;
create trigger made after insert on auth.users for each row execute function public.on_new_user();
create policy "files are public" on storage.objects for select using (bucket_id = 'public');
insert into auth.users (id, email) values ('00000000-0000-0000-0000-000000000001', 'ann@example.org');
"""
ASKED = """
select (select count(*) from public.notes), (select sum(id) from public.notes), (select count(*) from auth.users),
       (select name from public.profiles),
       (select count(*) from pg_policies where policyname in ('own', 'files are public')),
       (select count(*) from pg_trigger where tgname = 'made'), (select last_value from public.notes_id_seq),
       has_table_privilege('anon', 'public.notes', 'select'),
       has_table_privilege('logical_reader', 'public.notes', 'select'),
       (select pg_get_userbyid(relowner)::text from pg_class where oid = 'auth.users'::regclass),
       (select pg_get_userbyid(relowner)::text from pg_class where oid = 'public.notes'::regclass)
"""


def quietly(_done: int, _total: int, _said: str) -> None: ...


@pytest.fixture(scope="module")
def project_dsn(server: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """A project as `postgres` of a hosted one sees it."""
    with fresh_database(server) as name:
        with open_hosted(server, name, tmp_path_factory.mktemp("project")) as hosted:
            hosted.run(PROJECT)
        yield server.dsn(name)
    with psycopg.connect(server.dsn(user=server.superuser), autocommit=True) as connection:
        connection.execute("drop role logical_reader")


@pytest.fixture(scope="module")
def dumps(project_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one good dump, which no test may change."""
    folder = tmp_path_factory.mktemp("dumps")
    logical_dump.make_dump(Logical(folder=folder), project_dsn)
    return folder


def source(folder: Path) -> LogicalSource:
    return LogicalSource(Logical(folder=folder), Drill(fsync=False))


@pytest.fixture
def copied(dumps: Path, tmp_path: Path) -> LogicalSource:
    """A copy that a test may damage."""
    return source(Path(shutil.copytree(dumps, tmp_path / "dumps")))


def ask(dsn: str) -> tuple[object, ...]:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(ASKED.encode()).fetchone()
    assert row is not None
    return row


def test_a_dump_is_restored_as_the_project_was(server: embedded.Server, dumps: Path, project_dsn: str):
    found = source(dumps)
    (backup,) = found.holdings().backups
    assert backup.began <= backup.ended <= datetime.now(UTC)
    assert (backup.major, backup.kind) == (server.major, "logical")
    assert found.verify(backup, quietly) == ()
    with found.restored(backup, LATEST, within=WITHIN, progress=quietly) as restored:
        assert ask(restored.dsn) == ask(project_dsn)
        assert restored.said == ()
        with (
            psycopg.connect(restored.dsn, autocommit=True) as connection,
            pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
        ):
            connection.execute("delete from public.notes")
        restored.promote()
        with psycopg.connect(restored.dsn, autocommit=True) as connection:
            connection.execute(
                "insert into auth.users (id, email) values (gen_random_uuid(), 'bob@example.org')"
            )
            assert connection.execute("select count(*) from public.profiles").fetchone() == (2,)
        home = restored.server.data
    assert not home.exists()


def test_what_others_write_meanwhile_is_whole_or_not_in_it(project_dsn: str, tmp_path: Path):
    ends = threading.Event()

    def write() -> None:
        with psycopg.connect(project_dsn, autocommit=True) as connection:
            while not ends.is_set():
                connection.execute("begin")
                connection.execute("insert into public.notes (body) values ('a pair')")
                connection.execute("insert into public.empty select count(*) from public.empty")
                connection.execute("commit")

    before = ask(project_dsn)[0]
    writer = threading.Thread(target=write)
    writer.start()
    try:
        logical_dump.make_dump(Logical(folder=tmp_path), project_dsn)
    finally:
        ends.set()
        writer.join()
    (backup,) = source(tmp_path).holdings().backups
    with (
        source(tmp_path).restored(backup, LATEST, within=WITHIN, progress=quietly) as restored,
        psycopg.connect(restored.dsn) as connection,
    ):
        ((notes, pairs),) = connection.execute(
            "select (select count(*) from public.notes), (select count(*) from public.empty)"
        ).fetchall()
    with psycopg.connect(project_dsn, autocommit=True) as connection:
        connection.execute("delete from public.notes where body = 'a pair'")
        connection.execute("truncate public.empty")
    assert notes == before + pairs


def test_through_the_session_pooler_and_through_no_other(listening: embedded.Server, tmp_path: Path):
    with fix_listening.pooled(listening, "session") as dsn:
        made = logical_dump.make_dump(Logical(folder=tmp_path), dsn)
    (backup,) = source(tmp_path).holdings().backups
    assert backup.id == made.name
    assert source(tmp_path).verify(backup, quietly) == ()
    assert fix_pgbouncer.PASSWORD not in "".join(
        path.read_bytes().decode(errors="replace") for path in made.rglob("*") if path.is_file()
    )
    with (
        fix_listening.pooled(listening, "transaction") as dsn,
        pytest.raises(errors.Refused, match="session"),
    ):
        logical_dump.make_dump(Logical(folder=tmp_path), dsn)


def first(folder: Path, pattern: str) -> Path:
    return max(folder.glob(f"2*/project/{pattern}"), key=lambda path: path.stat().st_size)


def flipped(folder: Path) -> None:
    path = first(folder, "*.dat.gz")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


def edited(folder: Path) -> None:
    (path,) = folder.glob("2*/manifest.json")
    path.write_text(path.read_text().replace('"size": ', '"size": 1', 1))


def unlisted(folder: Path) -> None:
    """Somebody changed the archive and its hash alike."""
    (path,) = folder.glob("2*/project/toc.dat")
    path.write_bytes(b"PGDMP but no more")


DAMAGES: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "a flipped byte": (flipped, {"file-damaged"}),
    "a truncated file": (lambda folder: first(folder, "*.dat.gz").write_bytes(b""), {"file-damaged"}),
    "a missing file": (lambda folder: first(folder, "*.dat.gz").unlink(), {"file-missing"}),
    "no roles": (lambda folder: next(folder.glob("2*/roles.sql")).unlink(), {"file-missing"}),
    "no table of contents": (
        lambda folder: next(folder.glob("2*/project/toc.dat")).unlink(),
        {"file-missing", "archive-unreadable"},
    ),
    "another table of contents": (unlisted, {"file-damaged", "archive-unreadable"}),
    "a file more": (
        lambda folder: next(folder.glob("2*")).joinpath("notes.txt").write_text(""),
        {"file-extra"},
    ),
    "an edited manifest": (edited, {"manifest-damaged"}),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_verify_names_what_is_damaged(copied: LogicalSource, what: str):
    damage, expected = DAMAGES[what]
    (backup,) = copied.holdings().backups
    damage(copied.settings.folder)
    assert {each.kind for each in copied.verify(backup, quietly)} == expected


@pytest.mark.parametrize(
    "what", ["a flipped byte", "a missing file", "no table of contents", "an edited manifest"]
)
def test_what_is_damaged_is_not_restored(copied: LogicalSource, what: str):
    (backup,) = copied.holdings().backups
    DAMAGES[what][0](copied.settings.folder)
    with (
        pytest.raises(errors.CheckFailed, match=backup.id),
        copied.restored(backup, LATEST, within=WITHIN, progress=quietly),
    ):
        pass


def test_a_dump_that_never_ended_is_none(copied: LogicalSource):
    (backup,) = copied.holdings().backups
    (copied.settings.folder / backup.id / "manifest.json").unlink()
    found = copied.holdings()
    assert found.backups == ()
    assert [(each.kind, each.object) for each in found.problems] == [("manifest-damaged", backup.id)]
    assert "never finished" in found.problems[0].said


def test_a_point_in_time_is_refused(copied: LogicalSource):
    (backup,) = copied.holdings().backups
    for target in ("2026-11-30T00:00:00Z", "lsn:0/1", "name:before"):
        with (
            pytest.raises(errors.Refused, match="only be restored as of the moment"),
            copied.restored(backup, recovery_target.read(target), within=WITHIN, progress=quietly),
        ):
            pass


def test_what_a_killed_dump_left_is_removed_and_one_that_runs_is_not_disturbed(
    project_dsn: str, tmp_path: Path
):
    (tmp_path / ".partial-20260101T000000Z").mkdir()
    with logical_dump.alone(tmp_path), pytest.raises(errors.Refused, match="being made already"):
        logical_dump.make_dump(Logical(folder=tmp_path), project_dsn)
    made = logical_dump.make_dump(Logical(folder=tmp_path), project_dsn)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", made.name]


def test_what_cannot_be_dumped_leaves_nothing(server: embedded.Server, project_dsn: str, tmp_path: Path):
    with pytest.raises(errors.Refused, match="no folder"):
        logical_dump.make_dump(Logical(folder=tmp_path / "none"), project_dsn)
    # Not everybody may read all of it.
    dsn = project_dsn.replace("//postgres@", "//anon@")
    with psycopg.connect(server.dsn(user=server.superuser), autocommit=True) as connection:
        connection.execute("alter role anon login")
        try:
            with pytest.raises(errors.CheckFailed, match="permission denied"):
                logical_dump.make_dump(Logical(folder=tmp_path), dsn)
        finally:
            connection.execute("alter role anon nologin")
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
