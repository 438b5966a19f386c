"""One check for all projects of a fleet, through a real Prefect server and worker, in one report."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
from collections.abc import Generator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.objects import FlowRun
from psycopg import sql

from ops import embedded
from tests import fix_command, fix_postgres, fix_stack
from tests.fix_checks import Checkup
from tests.fix_stack import Desk
from tests.polling import wait_until

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


def check_all(desk: Desk, folder: Path, *words: str, code: int) -> tuple[str, dict[str, Any]]:
    written = folder / "report.json"
    done = fix_command.run(
        *("run", "daily-checks", "--all", "--fleet", folder / "fleet.toml", "--json", written, *words),
        PREFECT_API_URL=desk.stack.api,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr, json.loads(written.read_text("utf-8")) if written.exists() else {}


def test_all_are_looked_at_and_the_worst_comes_first(desk: Desk, checkup: Checkup, tmp_path: Path):
    well = (checkup.project / "runbooks.toml").read_text("utf-8")
    gone = '[environments.production]\ndatabase = "postgresql://postgres@127.0.0.1:1/gone"\n'
    for name, text in {"a-well": well, "b-gone": gone, "c-well": well}.items():
        (tmp_path / name / "supabase" / "migrations").mkdir(parents=True)
        (tmp_path / name / "runbooks.toml").write_text(text)
    (tmp_path / "fleet.toml").write_text('projects = ["*-*"]\nat_once = 2\n')
    said, report = check_all(desk, tmp_path, code=1)
    assert [Path(each["project"]).name for each in report["projects"]] == ["b-gone", "a-well", "c-well"]
    assert [each["exit_code"] for each in report["projects"]] == [1, 0, 0]
    assert "could not be asked" in report["projects"][0]["said"]
    assert all(each["page"].startswith("http") for each in report["projects"])
    assert "2 of 3 projects are well" in said


def test_of_twelve_so_many_go_on_at_once_and_one_that_does_not_answer_keeps_nobody_waiting(
    desk: Desk, server: embedded.Server, shaped_name: str, tmp_path: Path
):
    with silent() as listening, contextlib.ExitStack() as databases:
        for number in range(11):
            name = databases.enter_context(fix_postgres.fresh_database(server, template=shaped_name))
            write(tmp_path / f"shop-{number:02}", server.dsn(name, user=server.superuser))
        with psycopg.connect(server.dsn("postgres", user=server.superuser), autocommit=True) as connection:
            statement = sql.SQL("alter database {} allow_connections false")
            connection.execute(statement.format(sql.Identifier(name)))
        # The first by its name, so that all others come after it.
        port = listening.getsockname()[1]
        patience = '[environments.production.checks]\nconnect_timeout = "PT5M"\n'
        write(tmp_path / "a-silent", f"postgresql://postgres@127.0.0.1:{port}/gone", patience)
        (tmp_path / "fleet.toml").write_text('projects = ["a-silent", "shop-*"]\nat_once = 3\n')
        written = tmp_path / "report.json"
        words = ("run", "daily-checks", "--all", "--fleet", tmp_path / "fleet.toml", "--json", written)
        with fix_command.start(*words, PREFECT_API_URL=desk.stack.api) as command:
            assert command.stdout
            said = ""
            while "11 of 12" not in said:
                said += (line := command.stdout.readline())
                assert line, said
            assert "a-silent" not in said
            listening.close()
            said += command.stdout.read()
        assert command.returncode == 1, said
    report = json.loads(written.read_text("utf-8"))
    assert [Path(each["project"]).name for each in report["projects"]] == [
        *("a-silent", "shop-10"),
        *(f"shop-{number:02}" for number in range(10)),
    ]
    assert "not currently accepting connections" in report["projects"][1]["said"]
    assert "10 of 12 projects are well" in said
    assert most_at_once(desk, [UUID(each["page"].rpartition("/")[2]) for each in report["projects"]]) == 3


def test_a_deployment_that_is_taken_away_costs_those_that_were_not_started_and_ends_nothing(
    desk: Desk, checkup: Checkup, tmp_path: Path
):
    well = (checkup.project / "runbooks.toml").read_text("utf-8")
    for name in ("a-first", "b-second"):
        (tmp_path / name / "supabase" / "migrations").mkdir(parents=True)
        (tmp_path / name / "runbooks.toml").write_text(well)
    (tmp_path / "fleet.toml").write_text('projects = ["*-*"]\nat_once = 1\n')
    written = tmp_path / "report.json"
    with desk.stack.client() as client:
        made = fix_stack.copied(client, "daily-checks/production", "for-a-while")
        of = DeploymentFilter(id=DeploymentFilterId(any_=[made]))
        words = (
            "run",
            "daily-checks/for-a-while",
            "--all",
            "--fleet",
            tmp_path / "fleet.toml",
            "--json",
            written,
        )
        with fix_command.start(*words, PREFECT_API_URL=desk.stack.api) as command:
            wait_until(
                lambda: any(begun(run) for run in client.read_flow_runs(deployment_filter=of)), seconds=60
            )
            client.delete_deployment(made)
            said, _ = command.communicate()
    assert command.returncode == 3, said
    second, first = json.loads(written.read_text("utf-8"))["projects"]
    assert (Path(first["project"]).name, first["state"], first["exit_code"]) == ("a-first", "Completed", 0)
    assert (Path(second["project"]).name, second["state"], second["exit_code"]) == (
        "b-second",
        "not known",
        3,
    )
    assert second["said"].startswith("daily-checks/for-a-while, or its run, is gone from the Prefect server.")
    assert "1 of 2 projects are well" in said


@contextlib.contextmanager
def silent() -> Generator[socket.socket]:
    """Listen as a server does that takes a connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def write(folder: Path, dsn: str, more: str = "") -> None:
    """Write a project whose production is this database."""
    (folder / "supabase" / "migrations").mkdir(parents=True)
    secret = folder.with_name(f"{folder.name}.dsn")
    secret.write_text(dsn)
    (folder / "runbooks.toml").write_text(f'[environments.production]\ndatabase = "file:{secret}"\n{more}')


def begun(run: FlowRun) -> bool:
    return run.state is not None and (run.state.is_running() or run.state.is_final())


def most_at_once(desk: Desk, ids: list[UUID]) -> int:
    """Return how many of these runs were started and not ended at one moment."""
    runs = [desk.read(each) for each in ids]
    spans = [(run.created, run.end_time) for run in runs if run.created and run.end_time]
    assert len(spans) == len(ids)
    moments = sorted([(began, 1) for began, _ in spans] + [(ended, -1) for _, ended in spans])
    return max(itertools.accumulate(step for _, step in moments))


def test_a_mistake_in_the_fleet_or_the_runbook_starts_nothing(desk: Desk, tmp_path: Path):
    before = set(desk.names().values())
    (tmp_path / "fleet.toml").write_text('projects = ["nowhere"]\n')
    said, _ = check_all(desk, tmp_path, code=2)
    assert "'nowhere' is no project" in said
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "runbooks.toml").touch()
    (tmp_path / "fleet.toml").write_text('projects = ["shop"]\n')
    said, _ = check_all(desk, tmp_path, "--set", "project=other", code=2)
    assert "has no place beside --all" in said
    assert set(desk.names().values()) == before
