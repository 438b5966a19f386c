"""`runbooks pr-gate` as a process, and the workflow of the example that calls it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
import yaml

from cli import main, schema
from ops import pull_request_note
from tests import fix_command, fix_github, fix_repository, projects
from tests.fix_github import GitHub
from tests.fix_staging import StagingDatabase

ROOT = Path(__file__).parents[2]
PUBLISHED: dict[str, Any] = json.loads(schema.GATE_FILE.read_text(encoding="utf-8"))
WORKFLOW = ROOT / "examples" / "storefront" / ".github" / "workflows" / "pr-migrations.yml"


@pytest.fixture
def branch(tmp_path: Path) -> Path:
    return fix_repository.with_colours(tmp_path / "shop")


def gated(
    root: Path, *more: str | Path, **variables: str
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any], str]:
    """Run the command, and return what it wrote to both files."""
    result, note = root.parent / "gate.json", root.parent / "gate.md"
    files = ("--json", result, "--markdown", note, "--out", root.parent)
    done = fix_command.run("pr-gate", root, *files, *more, **variables)
    found = json.loads(result.read_text())
    validator: Any = jsonschema.Draft202012Validator(PUBLISHED)
    validator.validate(found)
    return done, found, note.read_text()


def test_a_sound_branch_ends_with_nought(branch: Path) -> None:
    done, found, note = gated(branch, "--base", "main")
    assert (done.returncode, done.stderr) == (0, "")
    assert " PASSED " in done.stdout
    assert "Merge it." in done.stdout
    assert "\x1b" not in done.stdout
    assert (found["verdict"], found["branch"]["base"]) == ("passed", "main")
    assert [each["rollback"]["status"] for each in found["migrations"]] == ["proven"]
    assert note.startswith(pull_request_note.marker("shop"))
    assert "✅ PASSED" in note


def test_what_is_wrong_ends_with_one_and_stands_on_the_screen(branch: Path, staging: StagingDatabase) -> None:
    staging.execute("create table public.by_hand (id int)")
    script = "select count(*) = 4 as four_notes from public.notes;"
    projects.write(branch, migrations={}, files={"supabase/verify/notes.sql": script})
    fix_repository.migration(branch, projects.NOTES).write_text("select 1;\n")
    done, found, note = gated(branch, "--base", "main", "--staging", "env:S", S=staging.dsn)
    assert done.returncode == 1
    screen = " ".join(done.stdout.split())
    for said in (
        f"{projects.NOTES}.sql:1 is on the base already and is edited here",
        "four_notes is false",
        "table public.by_hand: only on staging",
    ):
        assert said in screen, said
    assert [each["object"] for each in found["drift"]["differences"]] == ["public.by_hand"]
    assert "only on staging" in note
    assert staging.dsn not in done.stdout + done.stderr + note + json.dumps(found)


def test_what_is_refused_ends_with_two_and_is_written_all_the_same(branch: Path) -> None:
    done, found, note = gated(branch)
    assert done.returncode == 2
    assert (found["verdict"], found["bundle"]) == ("refused", None)
    assert "origin/main" in done.stderr
    assert "⛔ REFUSED" in note


def test_a_staging_that_is_away_ends_with_three(branch: Path) -> None:
    away = "postgresql://u:hunter22@127.0.0.1:9/postgres?sslmode=disable"
    done, found, note = gated(branch, "--base", "main", "--staging", "env:S", S=away)
    assert done.returncode == 3
    assert found["verdict"] == "unavailable"
    assert "hunter22" not in done.stdout + done.stderr + note + json.dumps(found)


def test_a_file_that_cannot_be_written_is_refused_first(branch: Path) -> None:
    done = fix_command.run("pr-gate", branch, "--markdown", branch)
    assert done.returncode == 2
    assert "Name a file with --markdown" in done.stderr


def test_markdown_on_standard_output_is_all_that_is_there(branch: Path) -> None:
    done = fix_command.run("pr-gate", branch, "--base", "main", "--markdown", "-", "--out", branch.parent)
    assert done.returncode == 0
    assert done.stdout.startswith(pull_request_note.marker("shop"))
    assert done.stdout.rstrip().endswith("</sub>")
    assert " PASSED " in done.stderr


def test_a_comment_that_cannot_be_written_changes_no_exit_code(branch: Path, github: GitHub) -> None:
    github.answers[("POST", "/comments")] = (403, {}, {"message": "no"})
    done, found, _ = gated(branch, "--base", "main", "--comment")
    assert done.returncode == 0
    assert any("comment was not written" in each for each in found["findings"])
    assert fix_github.TOKEN not in done.stdout + done.stderr + json.dumps(found)


def step() -> dict[str, Any]:
    job = yaml.safe_load(WORKFLOW.read_text())["jobs"]["pr-gate"]
    return next(each for each in job["steps"] if each.get("name") == "pr-gate")


def test_the_workflow_starts_when_the_runbook_says_and_reaches_back_to_the_base() -> None:
    flow = yaml.safe_load(WORKFLOW.read_text())
    # YAML 1.1 takes `on` for a truth.
    paths = set(flow[True]["pull_request"]["paths"])
    told = {
        "supabase/migrations/**",
        "supabase/verify/**",
        "scripts/smoke.sql",
        ".github/workflows/pr-migrations.yml",
    }
    assert told <= paths
    # And with what else says how it is judged.
    example = WORKFLOW.parents[2]
    judging = {"runbooks.toml", "supabase/config.toml", "supabase/seed.sql", "supabase/rls_tests.sql"}
    assert judging <= paths
    assert [each for each in paths if not list(example.glob(each.removesuffix("/**")))] == []
    checkout = flow["jobs"]["pr-gate"]["steps"][0]
    assert checkout["with"]["fetch-depth"] == 0
    assert flow["permissions"] == {"contents": "read", "pull-requests": "write", "statuses": "write"}


def test_the_workflow_calls_a_command_and_options_that_exist() -> None:
    line = re.sub(r"\$\{\w+:\+([^}]*)\}", r"\1", step()["run"].replace("\\\n", " "))
    program, command, *words = shlex.split(line)
    assert program == "runbooks"
    group: Any = typer.main.get_command(main.app)
    context = group.commands[command].make_context(command, words)
    assert context.params["staging"] == "env:STAGING_DATABASE_URL"
    assert context.params["comment"] is context.params["status"] is True
    with pytest.raises(Exception, match="No such option"):
        group.commands[command].make_context(command, [*words, "--nonsense"])


def test_the_workflows_line_runs_as_a_job_would_run_it(
    branch: Path, github: GitHub, staging: StagingDatabase, tmp_path: Path
) -> None:
    """On a merge of the branch, as actions/checkout leaves it, with the variables of a job."""
    fix_repository.git(branch, "update-ref", "refs/remotes/origin/main", "main")
    program = tmp_path / "bin" / "runbooks"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "from cli.main import main; main()" "$@"\n')
    program.chmod(0o755)
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": fix_github.HEAD}}}))
    summary = tmp_path / "summary.md"
    summary.touch()
    variables = {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "NO_COLOR": "1",
        "GITHUB_BASE_REF": "main",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    for staged in ("", staging.dsn):
        done = subprocess.run(
            ["bash", "-e", "-c", step()["run"]],
            cwd=branch,
            env={**variables, "STAGING_DATABASE_URL": staged},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        found = json.loads((branch / "pr-gate.json").read_text())
        assert found["drift"]["status"] == ("equal" if staged else "skipped")
    assert len(github.comments) == 1
    assert [status["state"] for status in github.statuses] == ["success", "success"]
    assert summary.read_text() == github.comments[0]["body"]
    assert fix_github.TOKEN not in done.stdout + done.stderr
