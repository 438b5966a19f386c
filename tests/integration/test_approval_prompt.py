"""The gate at a terminal, where nothing is guarded: the same questions, and the same record."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import rich.prompt

from ops import errors
from ops.project import Environment
from ops.proposal import Proposal
from tasks import approval
from tests.fix_people import Site


@dataclass
class Plan:
    """A plan of which only the gate is of interest."""

    environment: Environment
    root: Path

    def proposal(self, gate: str) -> Proposal:
        return Proposal(
            gate, self.environment, self.root, "d" * 64, "One migration.", "# The plan", items=("Look.",)
        )


@pytest.fixture
def staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shaped: str) -> Site:
    site = Site(tmp_path, monkeypatch, shaped)
    site.change(guarded=False)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    return site


def typing(monkeypatch: pytest.MonkeyPatch, *texts: str) -> list[str]:
    """Type these texts, one at each question, and return the questions."""
    asked: list[str] = []
    left: Iterator[str] = iter(texts)

    def ask(question: str, **_: Any) -> str:
        asked.append(question)
        return next(left)

    monkeypatch.setattr(rich.prompt.Prompt, "ask", ask)
    return asked


def test_who_asks_and_somebody_else_decide_at_a_terminal(staging: Site, monkeypatch: pytest.MonkeyPatch):
    now = datetime.now(UTC)
    asked = typing(
        monkeypatch,
        *("ada", staging.code("ada", now), ""),
        *("approve", "ada", "000000", ""),
        *("approve", "grace", staging.code("grace", now), "fine"),
    )
    found = approval.approve(Plan(staging.environment, staging.root), "promote")
    assert (found.requester, found.by, found.proof) == ("ada", ("grace",), "totp")
    assert "One migration.\n- Look." in asked[0]
    assert "ada asked for this, so somebody else approves it" in asked[7]
    assert [event for event, _ in staging.rows()] == [
        "asked", "requested", "asked", "mistaken", "asked", "approved"
    ]  # fmt: skip


def test_a_no_at_a_terminal_is_a_no(staging: Site, monkeypatch: pytest.MonkeyPatch):
    staging.change(approvers=None, four_eyes=False)
    typing(monkeypatch, "reject", "ada", "not today")
    with pytest.raises(errors.Denied, match="rejected by ada: not today"):
        approval.approve(Plan(staging.environment, staging.root), "promote")


def test_without_a_terminal_nobody_is_asked(staging: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(errors.Denied, match="nobody can be asked here"):
        approval.approve(Plan(staging.environment, staging.root), "promote")
    assert not approval.can_ask(staging.environment)


def test_that_nobody_could_be_told_is_said(
    staging: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("HOOK", "http://127.0.0.1:9/hook-of-the-tests")
    staging.change(notify="env:HOOK")
    with staging.open(suspends=False) as gate:
        approval._tell(gate, "A gate waits.")
    assert "The approvers' channel was not told: the webhook was not reached" in caplog.text
