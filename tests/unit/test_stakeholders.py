"""Stakeholders are told, or that they were not is a finding; what was said is evidence."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from ops import project, secrets, stakeholders
from ops.project import Project
from tests import projects
from tests.fix_webhook import webhook

SAID = "Released <!channel> & done with sesame-open-fake."


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    config = '[release]\nstakeholders = "env:STAKEHOLDERS"\n'
    secrets.remember("sesame-open-fake")
    return project.load(projects.write(tmp_path, migrations={}, config=config))


def test_they_are_told_and_what_was_said_is_kept(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook() as (address, heard):
        monkeypatch.setenv("STAKEHOLDERS", address)
        told = stakeholders.tell(shop, SAID)
    assert told.ok
    assert told.rows == ({"told": True, "said": f"Released <!channel> & done with {secrets.MASK}."},)
    assert heard == [{"text": f"Released &lt;!channel&gt; &amp; done with {secrets.MASK}."}]


def test_that_they_were_not_is_a_finding(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STAKEHOLDERS", raising=False)
    assert "STAKEHOLDERS is not set" in stakeholders.tell(shop, SAID).summary
    with webhook(500) as (address, _):
        monkeypatch.setenv("STAKEHOLDERS", address)
        told = stakeholders.tell(shop, SAID)
    assert (told.ok, told.rows[0]["told"]) == (False, False)
    assert "The stakeholders' channel was not told: the webhook answered 500" in told.summary
    gone = stakeholders.tell(shop, SAID, timeout=timedelta(seconds=2))
    assert not gone.ok
    assert "sEcReTpArT" not in told.summary + gone.summary


def test_without_stakeholders_nobody_is_told(tmp_path: Path) -> None:
    found = stakeholders.tell(project.load(projects.write(tmp_path, migrations={})), SAID)
    assert (found.ok, found.idle) == (True, True)
