"""The gate in a terminal: what waits, who asks, who decides, and what is kept of it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests import fix_command
from tests.fix_gate import PATIENCE, PAUSE, Gate
from tests.polling import wait_until

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


def said(gate: Gate, *words: str | Path, code: int = 0, **variables: str) -> str:
    done = fix_command.run(*words, PREFECT_API_URL=gate.stack.api, **variables)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_gate_is_passed_in_the_terminal(gate: Gate):
    gate.configure(four_eyes=True)
    run = gate.start()
    short = str(run)[:8]
    waiting = said(gate, "approvals")
    assert f"{short}  Keep {gate.root}" in waiting
    assert "Who asks for: keep on production?" in waiting
    assert "runbooks request" in said(gate, "approve", short, "--as", "grace", code=2)

    said(gate, "request", short, "--as", "ada", "--code", "env:CODE", CODE=gate.code("ada"))
    gate.taken_up(run)
    assert "ada asks for it" in said(gate, "approvals")
    said(gate, "approve", short, "--as", "grace", "--code", "env:CODE", CODE=gate.code("grace"))
    assert gate.ended(run) == "Completed"

    where = ("--project", gate.root, "--environment", "production")
    shown = said(gate, "audit", "show", *where)
    assert "requested    ada (totp)" in shown
    assert "approved     grace (totp)" in shown
    assert "5 rows are whole, and its copy agrees" in said(gate, "audit", "verify", *where)
    assert f"No run that waits is called '{short}'" in said(gate, "approve", short, "--as", "grace", code=2)


def test_a_runbook_is_started_in_the_terminal(gate: Gate):
    shown = said(gate, "run", "gated", "--set", f"project={gate.root}")
    assert "Plan to keep" in shown
    assert "The run waits for somebody" in shown
    (run,) = (line.split()[0] for line in said(gate, "approvals").splitlines() if f"Keep {gate.root}" in line)
    said(gate, "approve", run, "--as", "grace", "--code", "env:CODE", CODE=gate.code("grace"))
    wait_until(lambda: len(gate.kept()) == 1, seconds=PATIENCE, pause=PAUSE)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (
            ["nothing"],
            "'nothing' is none of the deployed runbooks: app-rollback/production, backup-verification/production",
        ),
        (["staging-rehearsal"], "'staging-rehearsal' is several"),
        (["gated", "--set", "project"], "'project' sets nothing"),
        (["gated", "--set", "projekt=x"], "has no parameter 'projekt'; it has project, environment"),
    ],
)
def test_what_cannot_be_started_is_refused(gate: Gate, words: list[str], match: str):
    assert match in said(gate, "run", *words, code=2)


def test_a_rejection_takes_a_reason(gate: Gate):
    run = gate.start()
    code = gate.code("grace")
    assert "--note" in said(gate, "reject", str(run), "--as", "grace", code=2)
    said(gate, "reject", str(run), "--as", "grace", "--note", "not today", "--code", "env:CODE", CODE=code)
    assert gate.ended(run) == "Rejected"
    assert "rejected by grace: not today" in gate.message(run)


def test_a_broken_glass_waits_for_somebody_else(gate: Gate):
    gate.configure(break_glass=True)
    run = gate.start()
    why = ("--note", "checkout is down and nobody answers")
    said(gate, "break-glass", str(run), "--as", "ada", *why, "--code", "env:CODE", CODE=gate.code("ada"))
    assert gate.ended(run) == "Completed"
    where = ("--project", gate.root, "--environment", "production", "--note", "it was right")
    shown = said(gate, "audit", "show", *where[:4])
    assert "Row 2 waits for a review" in shown
    assert "Row 2 waits for a review" in said(gate, "audit", "verify", *where[:4])
    own = said(
        gate, "audit", "review", "2", "--as", "ada", *where, "--code", "env:CODE", code=2, CODE="000000"
    )
    assert "ada broke this glass, so somebody else reviews it" in own
    wrong = said(
        gate, "audit", "review", "2", "--as", "grace", *where, "--code", "env:CODE", code=2, CODE="000000"
    )
    assert "not right" in wrong
    said(gate, "audit", "review", "2", "--as", "grace", *where, "--code", "env:CODE", CODE=gate.code("grace"))
    assert "waits for a review" not in said(gate, "audit", "show", *where[:4])


def test_an_override_of_the_gate_of_a_pull_request_is_recorded(gate: Gate):
    where = ("--project", gate.root, "--environment", "production", "--as", "ada", "--code", "env:CODE")
    why = ("--note", "the fix for the outage of today")
    commit = "ab" * 20

    def tried(*words: str, code: str = "000000") -> str:
        return said(gate, "audit", "override", *words, *where, code=2, CODE=code)

    assert "does not say break_glass" in tried(commit, *why)
    gate.configure(break_glass=True, notify=f"file:{gate.secrets}/webhook")
    assert "at least 10 characters" in tried(commit, "--note", "because")
    assert "is no commit" in tried("main", *why)
    assert "not right" in tried(commit, *why)
    assert not gate.told
    said(gate, "audit", "override", commit, *why, *where, CODE=gate.code("ada"))
    assert "ada overrides the gate of the pull request" in gate.told[0]
    assert "Row 1 waits for a review" in said(gate, "audit", "show", *where[:4])


def test_people_come_and_go_and_both_is_kept(gate: Gate):
    where = ("--project", gate.root, "--environment", "production")
    added = said(gate, "approvers", "add", "Barbara", *where)
    assert "barbara may approve in production" in added
    assert "otpauth://totp/supabase-runbooks%20production:barbara?secret=" in added
    assert "█" in added, "there is no QR code"
    assert "enrolled already" in said(gate, "approvers", "add", "barbara", *where, code=2)
    assert "barbara  since" in said(gate, "approvers", "list", *where)
    said(gate, "approvers", "remove", "barbara", *where)
    assert "barbara" not in said(gate, "approvers", "list", *where)
    seed = added.partition("secret=")[2].partition("&")[0]
    with psycopg.connect(gate.dsn) as connection:
        kept = str(connection.execute("select * from runbooks.audit_log").fetchall())
    assert "enrolled" in kept
    assert "removed" in kept
    assert seed not in kept


def test_a_forged_log_is_found(gate: Gate, shaped_admin: str):
    where = ("--project", gate.root, "--environment", "production")
    said(gate, "approvers", "add", "barbara", *where)
    with psycopg.connect(shaped_admin, autocommit=True) as connection:
        connection.execute("alter table runbooks.audit_log disable trigger all")
        connection.execute("update runbooks.audit_log set actor = 'mallory'")
        connection.execute("alter table runbooks.audit_log enable always trigger append_only")
    assert "row 1 in the database was changed" in said(gate, "audit", "verify", *where, code=1)


def test_without_a_server_it_says_so(tmp_path: Path):
    done = fix_command.run("approvals", PREFECT_API_URL="http://127.0.0.1:9/api")
    assert done.returncode == 3
    assert "does not answer" in done.stderr
