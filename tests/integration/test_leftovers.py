"""What killed rehearsals and drills left is removed by the janitor, by its marker, and nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from ops import embedded, janitor, management_api
from ops.janitor import Tidying
from ops.management_branch import PREFIX
from tests import projects
from tests.fix_management_api import REF, TOKEN
from tests.fix_management_api import management_api as serving

CONFIG = """\
[environments.production]
database = "file:{secret}"

[environments.staging]
database = "file:{secret}"
template = "shop"
"""
HOSTED = """
[environments.production.backups.api]
ref = "{ref}"
token = "env:MANAGEMENT_TOKEN"
url = "{url}"
"""
DEAD, ALIVE = "runbooks_rehearsal_0123456789ab", "runbooks_rehearsal_ba9876543210"
# Alike, and none of ours: a name of a person's choice, and one that is too short.
OTHERS = ("runbooks_rehearsal_of_mine", "runbooks_rehearsal_0123")


@pytest.fixture
def borrowed(server: embedded.Server) -> Generator[embedded.Server]:
    """A server on which a dead rehearsal and one that lives have their databases, and others like names."""
    names = (DEAD, DEAD.replace("rehearsal", "checkpoint"), ALIVE, *OTHERS)
    with psycopg.connect(server.dsn(user=server.superuser), autocommit=True) as connection:
        for name in names:
            connection.execute(f"create database {name} owner postgres".encode())
        yield server
        for name in names:
            connection.execute(f"drop database if exists {name} with (force)".encode())


@contextmanager
def alive(server: embedded.Server) -> Generator[None]:
    """Hold the lock of a rehearsal, as its session does."""
    with psycopg.connect(server.dsn()) as connection:
        number = ALIVE.rsplit("_", 1)[1]
        connection.execute("select pg_advisory_lock(1398096451, hashtext(%s))", (number,))
        yield


def there(server: embedded.Server) -> set[str]:
    with psycopg.connect(server.dsn()) as connection:
        found = connection.execute("select datname from pg_database where datname ~ '^runbooks_'").fetchall()
    return {name for (name,) in found}


def tidied(root: Path, dsn: str, *, more: str = "") -> Tidying:
    """Let the janitor of production remove what is left."""
    secret = root / "server.dsn"
    secret.write_text(dsn, "utf-8")
    project = projects.write(root / "shop", migrations={}, config=CONFIG.format(secret=secret) + more)
    tidying = Tidying(janitor.plan(str(project), "production"), "run")
    found = janitor.remove_leftovers(tidying)
    assert found.ok
    tidying.run = found.summary
    return tidying


def test_databases_of_dead_rehearsals_are_dropped_and_no_others(borrowed: embedded.Server, tmp_path: Path):
    with alive(borrowed):
        first = tidied(tmp_path, borrowed.dsn())
        assert [each for each in first.removed if "database" in each] == [
            f"database {DEAD.replace('rehearsal', 'checkpoint')} (staging)",
            f"database {DEAD} (staging)",
        ]
        assert there(borrowed) == {ALIVE, *OTHERS}
        assert not [each for each in tidied(tmp_path, borrowed.dsn()).removed if "database" in each]
    assert [each for each in tidied(tmp_path, borrowed.dsn()).removed if "database" in each] == [
        f"database {ALIVE} (staging)"
    ]


def test_a_server_that_does_not_answer_is_named_and_stops_nothing(tmp_path: Path):
    found = tidied(tmp_path, "postgresql://postgres@127.0.0.1:1/postgres")
    assert "Not looked at: staging: " in found.run
    assert "127.0.0.1" in found.run


def test_temporary_projects_of_dead_drills_are_removed_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MANAGEMENT_TOKEN", TOKEN)
    records = management_api.ApiSource.records.expanduser()
    records.mkdir(parents=True)
    mine = {"pid": os.getpid(), "started": psutil.Process().create_time()}
    with serving() as hosted:
        hosted.add("main", ref=REF, is_default=True)
        for name, owner in (("dead", {"pid": 1, "started": 0.0}), ("alive", mine)):
            hosted.add(f"{PREFIX}{name}")
            said = {"name": f"{PREFIX}{name}", "ref": REF, **owner}
            (records / f"{PREFIX}{name}.json").write_text(json.dumps(said), "utf-8")
        hosted.add(f"{PREFIX}somebody-else-s")
        (records / f"{PREFIX}half.json").write_text("", "utf-8")
        more = HOSTED.format(ref=REF, url=hosted.url)
        found = tidied(tmp_path, "postgresql://postgres@127.0.0.1:1/postgres", more=more)
        assert [each for each in found.removed if "project" in each] == [
            f"temporary project {PREFIX}dead (production)"
        ]
        assert hosted.names == ["main", f"{PREFIX}alive", f"{PREFIX}somebody-else-s"]
        asked = len(hosted.asked)
        tidied(tmp_path, "postgresql://postgres@127.0.0.1:1/postgres", more=more)
        assert len(hosted.asked) == asked, "where nothing is recorded nothing is asked"
