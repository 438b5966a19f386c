"""What a drill looks at besides the rows: Storage, the programs, heartbeats, our own records, and its own end."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from ops import errors
from ops.recovery_target import RecoveryTarget
from tests.drills import Shop, kinds
from tests.fix_backups import living
from tests.fix_postgres import DEBIAN_15

UNREACHABLE = """
[environments.production.backups.storage]
url = "file:{folder}/url"
key = "file:{folder}/url"
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Generator[Shop]:
    """Production with a backup of it, and a file of Storage."""
    with living(settings={"autovacuum": "off"}) as live:
        made = Shop.at(live, tmp_path_factory.mktemp("shop"))
        live.ask("insert into storage.buckets (id, name) values ('evidence', 'evidence')")
        live.ask("insert into storage.objects (bucket_id, name) values ('evidence', 'a.txt')")
        made.back_up()
        yield made


@pytest.fixture
def config(shop: Shop) -> Generator[Path]:
    """The configuration, which is as it was after the test."""
    path = shop.root / "runbooks.toml"
    text = path.read_text()
    yield path
    path.write_text(text)


def test_storage_that_is_not_reached_is_named_and_the_drill_goes_on(shop: Shop, config: Path, tmp_path: Path):
    (tmp_path / "url").write_text("http://127.0.0.1:9")
    with config.open("a") as file:
        file.write(UNREACHABLE.format(folder=tmp_path))
    found = shop.drill()
    assert kinds(found) == {"storage-not-compared"}, found.problems
    # What comes after it is not left out.
    assert found.verdict == "failed"
    assert shop.log()[-1]["problems"] == ["storage-not-compared"]


def test_programs_of_another_version_are_refused_before_anything_is_copied(shop: Shop, config: Path):
    shop.set(bindir=str(DEBIAN_15))
    with pytest.raises(
        errors.Refused, match=r"PostgreSQL 18, .* are of 15\.\d+.* as backups\.physical\.bindir"
    ):
        shop.drill()


def test_programs_that_are_not_all_there_are_refused(shop: Shop, config: Path, tmp_path: Path):
    for program in shop.live.server.bindir.iterdir():
        if program.name != "pg_waldump":
            (tmp_path / program.name).symlink_to(program)
    shop.set(bindir=str(tmp_path))
    with pytest.raises(errors.Refused, match="has no pg_waldump"):
        shop.drill()


def test_a_backup_that_lets_its_sessions_write_does_not_until_it_is_verified(shop: Shop):
    live = shop.live
    live.ask("alter role all set default_transaction_read_only = off")
    live.ask(
        f"alter role {live.server.superuser} in database postgres set default_transaction_read_only = off"
    )
    shop.back_up("b2")
    backup = live.source.holdings().backups[-1]
    with (
        live.source.restored(
            backup, RecoveryTarget(), within=timedelta(minutes=5), progress=lambda *_: None
        ) as restored,
        psycopg.connect(restored.dsn) as connection,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        connection.execute("create table public.written (id int)")


def test_a_production_without_a_heartbeat_is_said_and_its_loss_measured_by_commits(shop: Shop):
    live = shop.live
    live.ask("alter table runbooks.heartbeat rename to kept_away")
    live.archive()
    try:
        found = shop.drill()
    finally:
        live.ask("alter table runbooks.kept_away rename to heartbeat")
        live.archive()
    said = {each.kind: each.blocks for each in found.problems}
    assert said == {"no-heartbeat": False, "storage-not-in-backup": False}, found.problems
    assert (found.verdict, found.rpo is not None) == ("passed", True)


@pytest.mark.parametrize(
    ("folder", "marked", "says"),
    [
        ("nowhere", "", "is no folder"),
        ("scratch", "PG_VERSION", "is a data directory of Postgres"),
        ("scratch", "postmaster.pid", "is a data directory of Postgres"),
    ],
    ids=["not there", "in a data directory", "in one that runs"],
)
def test_a_place_that_could_touch_another_cluster_is_refused(
    shop: Shop, config: Path, folder: str, marked: str, says: str
):
    with tempfile.TemporaryDirectory(prefix="place-", dir="/tmp") as name:
        home = Path(name)
        home.chmod(0o755)
        (home / "scratch").mkdir(mode=0o755)
        if marked:
            (home / marked).touch()
        with config.open("a") as file:
            file.write(f'scratch = "{home / folder}"\n')
        found = sorted(home.rglob("*"))
        with pytest.raises(errors.Refused, match=says):
            shop.drill()
        assert sorted(home.rglob("*")) == found


def test_a_heartbeat_that_stopped_before_the_last_commit_is_said(shop: Shop):
    live = shop.live
    live.ask("update runbooks.heartbeat set at = at - interval '10 minutes'")
    live.archive()
    found = shop.drill()
    assert "heartbeat-apart" in {each.kind for each in found.problems}, found.problems
