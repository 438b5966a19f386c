"""One check for all projects of a fleet, through a real Prefect server and worker, in one report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import fix_command
from tests.fix_checks import Checkup
from tests.fix_stack import Desk

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
