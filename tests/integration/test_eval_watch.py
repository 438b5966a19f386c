"""The look for the nights on a real database: healthy, a night is missing, told once, run again, told once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from flows.eval_watch import eval_watch
from ops import embedded, errors
from tests import projects
from tests.fix_postgres import fresh_database
from tests.fix_webhook import webhook

CONFIG = """\
[project]
manager = "file:{manager}"

[eval]
runs = "quality.runs"

[environments.production]
database = "file:{secret}"

[environments.production.eval]
"""
RUNS = """
create schema quality;
create table quality.runs (
    run_type text not null, schema_variant text not null, triggered_by text not null default 'schedule',
    window_end timestamptz, started_at timestamptz not null default now(), finished_at timestamptz
);
"""


def ran(connection: psycopg.Connection, *, to: timedelta, finished: timedelta | None = timedelta(0)) -> None:
    """A run whose window ended, and that finished, so long ago."""
    now = datetime.now(UTC)
    connection.execute(
        "insert into quality.runs (run_type, schema_variant, window_end, finished_at)"
        " values ('nightly', 'sitecraft', %s, %s)",
        (now - to, None if finished is None else now - finished),
    )


def look(project: Path) -> str:
    """Look, and return what came of it."""
    try:
        return eval_watch.fn(str(project)).summary
    except errors.OpsError as error:
        return str(error)


def test_a_missing_night_is_told_once_and_that_it_runs_again_too(server: embedded.Server, tmp_path: Path):
    with (
        fresh_database(server) as name,
        webhook() as (url, heard),
        psycopg.connect(server.dsn(name), autocommit=True) as connection,
    ):
        for file, value in (("manager", url), ("secret", server.dsn(name))):
            (tmp_path / file).write_text(value, "utf-8")
        config = CONFIG.format(manager=tmp_path / "manager", secret=tmp_path / "secret")
        project = projects.write(tmp_path / "app", migrations={}, config=config)

        assert "quality.runs" in look(project)
        assert "Nobody knows whether the evaluation has run" in heard.pop()["text"]
        connection.execute(RUNS)

        ran(connection, to=timedelta(hours=6))
        assert "No night is missing: nightly sitecraft was evaluated up to 6 h ago" in look(project)
        assert "RUNS AGAIN" in heard.pop()["text"]

        connection.execute("delete from quality.runs")
        ran(connection, to=timedelta(hours=60), finished=timedelta(hours=60))
        ran(connection, to=timedelta(days=9))
        ran(connection, to=timedelta(hours=1), finished=None)
        said = [look(project), look(project)]
        assert all("is silent for 60 h, longer than 26 h: 2 nights missing" in each for each in said)
        assert "has not finished" in said[0]
        (told,) = heard
        assert told["text"].startswith("EVALUATION DID NOT RUN: ")
        assert str(server.dsn(name)) not in told["text"]

        ran(connection, to=timedelta(hours=1))
        assert "No night is missing" in look(project)
        assert "Not any more: overdue (nightly sitecraft)" in heard[1]["text"]


def test_whom_nobody_could_tell_is_told_the_next_time(server: embedded.Server, tmp_path: Path):
    with fresh_database(server) as name:
        (tmp_path / "secret").write_text(server.dsn(name), "utf-8")
        config = CONFIG.format(manager=tmp_path / "manager", secret=tmp_path / "secret")
        project = projects.write(tmp_path / "app", migrations={}, config=config)
        with webhook(status=500) as (url, heard):
            (tmp_path / "manager").write_text(url, "utf-8")
            look(project)
            look(project)
            assert len(heard) == 2


@pytest.mark.parametrize("config", ["", "[environments.production]\n"])
def test_an_environment_that_is_not_evaluated_is_refused(tmp_path: Path, config: str):
    project = projects.write(tmp_path / "app", migrations={}, config=config)
    with pytest.raises(errors.Refused, match="production"):
        eval_watch.fn(str(project))
