"""Who writes the heartbeat: a job of pg_cron where there is one, and else whoever calls."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from cli.main import app
from ops import beating, errors
from tests import fix_app

CONFIG = """\
[environments.production]
database = "file:{secret}"

[environments.production.backups]
logical = {{ folder = "dumps" }}

[environments.production.backups.drill]
heartbeat = "{every}"
"""
JOB = "select jobname, schedule, active from cron.job"
BEATS = "select count(*) from runbooks.heartbeat"


def plan(tmp_path: Path, dsn: str, *, every: str = "1 min") -> beating.BeatPlan:
    """Return whose heart beats, with the heart's project written anew."""
    (tmp_path / "dsn").write_text(dsn)
    config = CONFIG.format(secret=tmp_path / "dsn", every=every)
    (tmp_path / "app").mkdir(exist_ok=True)
    (tmp_path / "app" / "supabase").mkdir(exist_ok=True)
    (tmp_path / "app" / "runbooks.toml").write_text(config)
    return beating.plan(str(tmp_path / "app"), "production")


def run_job(dsn: str) -> None:
    """Do what pg_cron does when a job is due; the stand-in keeps jobs and runs none."""
    ((command,),) = fix_app.ask(dsn, "select command from cron.job where active")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(command.encode())


def test_a_job_of_pg_cron_beats_and_nobody_else_as_long_as_it_does(tmp_path: Path, shaped: str):
    fix_app.execute(shaped, "create extension pg_cron")
    plan_ = plan(tmp_path, shaped)
    assert beating.install(plan_).ok
    assert fix_app.ask(shaped, JOB) == [(beating.JOB, "*/1 * * * *", True)]
    # It is there and has not beaten yet: whoever calls does.
    assert not beating.beat(plan_).idle
    run_job(shaped)
    assert fix_app.ask(shaped, BEATS) == [(2,)]
    assert beating.verify(plan_).number == 2
    assert beating.beat(plan_).idle
    assert fix_app.ask(shaped, BEATS) == [(2,)]
    # A job that is stuck, and one that is switched off, are none.
    fix_app.execute(shaped, "update runbooks.heartbeat set at = at - interval '4 minutes'")
    assert not beating.beat(plan_).idle
    fix_app.execute(shaped, "select cron.alter_job(jobid, active := false) from cron.job")
    assert not beating.beat(plan_).idle
    assert fix_app.ask(shaped, BEATS) == [(4,)]


def test_it_is_installed_again_in_its_own_place(tmp_path: Path, shaped: str):
    fix_app.execute(
        shaped, "create extension pg_cron; select cron.schedule('nightly', '0 3 * * *', 'select 1')"
    )
    beating.install(plan(tmp_path, shaped))
    beating.install(plan(tmp_path, shaped, every="10 min"))
    assert fix_app.ask(shaped, f"{JOB} order by jobname") == [
        ("nightly", "0 3 * * *", True),
        (beating.JOB, "*/10 * * * *", True),
    ]


def test_the_job_takes_away_what_is_older_than_a_month(tmp_path: Path, shaped: str):
    fix_app.execute(shaped, "create extension pg_cron")
    beating.install(plan(tmp_path, shaped))
    run_job(shaped)
    fix_app.execute(shaped, "update runbooks.heartbeat set at = at - interval '32 days'")
    run_job(shaped)
    assert fix_app.ask(shaped, BEATS) == [(1,)]


def test_without_pg_cron_it_is_refused_with_what_to_do_and_whoever_calls_beats(tmp_path: Path, shaped: str):
    plan_ = plan(tmp_path, shaped)
    with pytest.raises(errors.Refused, match=r"has no pg_cron.*the deployment heartbeat instead"):
        beating.install(plan_)
    assert not beating.beat(plan_).idle
    assert not beating.beat(plan_).idle
    assert fix_app.ask(shaped, BEATS) == [(2,)]


def test_the_command_installs_it(tmp_path: Path, shaped: str):
    fix_app.execute(shaped, "create extension pg_cron")
    project = plan(tmp_path, shaped).project.root
    ended = CliRunner().invoke(app, ["heartbeat", str(project), "--environment", "production", "--install"])
    assert ended.exit_code == 0, ended.output
    assert "beats every 1 min from now on" in ended.output
    assert fix_app.ask(shaped, JOB) == [(beating.JOB, "*/1 * * * *", True)]
