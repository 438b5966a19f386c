"""The gate of a pull request through a real Prefect server, a real worker and its deployment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deployments import runs
from ops import embedded, manifest
from ops.pull_request_result import PullRequest
from ops.verdict import Verdict
from tests import fix_repository, projects
from tests.fix_postgres import fresh_database
from tests.fix_stack import Desk, Run
from tests.fix_staging import StagingDatabase

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

RUNBOOK = "pr-gate/throw-away"


def gated(desk: Desk, project: Path, **more: Any) -> Run:
    """Start a run and return it when it has ended."""
    parameters = {"project": str(project), "base": "main", **more}
    return desk.watch(runs.trigger(desk.stack, RUNBOOK, parameters), project)


def result(run: Run) -> PullRequest:
    return PullRequest.read((run.bundle / "rehearsal.json").read_text("utf-8"))


@pytest.fixture
def branch(tmp_path: Path) -> Path:
    return fix_repository.with_colours(tmp_path / "shop")


def test_a_sound_branch_passes_and_the_run_reads_as_the_runbook(desk: Desk, branch: Path):
    run = gated(desk, branch)
    assert (run.state, result(run).verdict) == ("Completed", Verdict.PASSED), run.message
    assert run.name == f"Gate {branch} against main"
    assert run.titles[0] == f"Plan the gate of {branch} against main"
    assert run.titles[1:] == [
        "Check connectivity",
        "Check what the branch changes",
        "Read staging",
        "Build the base",
        "Sow the base's seed",
        "Find what the branch adds",
        "Refuse bad files",
        f"Apply {projects.COLOURS}.sql",
        f"Prove the rollback of {projects.COLOURS}.sql",
        "Run the verification scripts",
        "Sow the branch's seed",
        "Prove the whole chain",
        "Check the contract",
        "Check RLS coverage",
        "Find drift on staging",
        "Find what is left pending",
        "Hand off",
    ]
    assert all(step.ok and step.summary for step in run.steps)
    assert manifest.verify(run.bundle).ok
    assert "## ✅ PASSED: shop" in str(run.artifact("gate-verdict").data)


def test_an_edited_migration_fails_the_run_with_its_name(desk: Desk, branch: Path):
    fix_repository.migration(branch, projects.NOTES).write_text("select 1;\n", "utf-8")
    run = gated(desk, branch)
    assert (run.state, result(run).verdict) == ("Failed", Verdict.FAILED)
    assert f"{projects.NOTES}.sql:1" in run.message
    assert run.step("Check what the branch changes").ok is False
    rows = json.loads(str(run.artifact("branch").data))
    assert [row["kind"] for row in rows] == ["edited", "added"]


def test_drift_on_staging_fails_the_run_and_shows_no_secret(
    desk: Desk, branch: Path, server: embedded.Server, tmp_path: Path
):
    with fresh_database(server) as name:
        staging = StagingDatabase("", server.dsn(name))
        staging.push((projects.NOTES, projects.CREATE_NOTES), (projects.TAGS, projects.CREATE_TAGS))
        staging.execute("alter table public.tags disable row level security")
        secret = tmp_path / "staging.dsn"
        secret.write_text(staging.dsn, "utf-8")
        run = gated(desk, branch, staging=f"file:{secret}")
    assert (run.state, result(run).verdict) == ("Failed", Verdict.FAILED)
    (differs,) = json.loads(str(run.artifact("drift").data))
    assert (differs["kind"], differs["object"]) == ("table", "public.tags")
    assert all(staging.dsn not in str(each.data) for each in desk.artifacts(run.id))


def test_a_base_that_is_not_there_is_refused(desk: Desk, branch: Path):
    run = gated(desk, branch, base="origin/main")
    assert run.state == "Failed"
    assert "no commit 'origin/main'" in run.message
    assert "fetch-depth: 0" in run.message


def test_run_twice_it_says_the_same_in_a_bundle_of_its_own(desk: Desk, branch: Path):
    first, second = gated(desk, branch), gated(desk, branch)
    assert (first.state, second.state) == ("Completed", "Completed")
    assert first.bundle != second.bundle
    assert result(first).summary == result(second).summary
