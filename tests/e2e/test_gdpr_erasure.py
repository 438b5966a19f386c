"""A person erased through a real Prefect server, a real worker and the deployment, behind a gate with proven names."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from prefect.client.schemas.objects import FlowRun
from pyotp.totp import TOTP

from ops import embedded, people
from tests import fix_app, fix_erasure, fix_switch
from tests.fix_erasure import ADA, EMAIL, NAME
from tests.fix_postgres import fresh_database
from tests.fix_stack import PATIENCE, Desk
from tests.polling import wait_until

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

RUNBOOK = "gdpr-erasure/production"
GUARDED = (
    'guarded = true\naudit_key = "file:{folder}/erasure.key"\napprovers = "file:{folder}/approvers.json"\n'
)


def guard(project: Path) -> str:
    """Let production be guarded, with two people enrolled, and return the reference of their store."""
    config = project / "runbooks.toml"
    lines = GUARDED.format(folder=project.parent)
    config.write_text(config.read_text().replace("[erasure]", f"{lines}\n[erasure]", 1))
    store = f"file:{project.parent / 'approvers.json'}"
    for name in ("grace", "linus"):
        people.add(store, name, environment="production", now=datetime.now(UTC))
    return store


def decide(desk: Desk, run: FlowRun, store: str, name: str, decision: str) -> FlowRun:
    """Answer at the gate with a name's one-time code, and return the run as it ended."""

    def accepted() -> bool:
        code = TOTP(people.read(store)[name].seed).at(datetime.now(UTC))
        said = {"decision": decision, "approver": name, "code": code, "note": "request 17"}
        return desk.refusal(run.id, **said) == ""

    wait_until(accepted, seconds=PATIENCE)
    desk.wait_for(run.id, "Completed", "Failed", "Rejected")
    return desk.read(run.id)


def test_it_erases_whom_somebody_approves_and_says_nothing_of_them(
    desk: Desk, server: embedded.Server, tmp_path: Path
):
    with fresh_database(server) as name:
        dsn = server.dsn(name)
        fix_erasure.execute(dsn, fix_erasure.TABLES)
        fix_erasure.execute(dsn, fix_erasure.ROWS)
        before = fix_erasure.everything(dsn)
        project = fix_erasure.write(tmp_path, dsn)
        store = guard(project)
        asked = {"subject": fix_erasure.reference(project), "choices": {"request": "17"}}

        refused = fix_switch.start(desk, RUNBOOK, project, subject="env:NOT_SET_IN_ANY_TEST")
        assert "is not set" in fix_switch.ended(refused)[1]
        rejected = decide(desk, fix_switch.start(desk, RUNBOOK, project, **asked), store, "linus", "reject")
        assert fix_switch.ended(rejected)[0] == "Rejected"
        assert fix_erasure.everything(dsn) == before

        done = decide(desk, fix_switch.start(desk, RUNBOOK, project, **asked), store, "grace", "approve")
        assert fix_switch.ended(done)[0] == "Completed", fix_switch.ended(done)
        result = fix_switch.result(project, done, "gdpr-erasure")
        assert (result["verdict"], result["erased"], result["logged"]) == ("passed", True, True)
        again = fix_switch.start(desk, RUNBOOK, project, **asked)
        assert fix_switch.ended(again)[0] == "Completed"
        assert "Nothing was changed" in fix_switch.result(project, again, "gdpr-erasure")["summary"]
        events = (
            "select event, actor from runbooks.audit_log"
            " where event in ('approved', 'rejected', 'erased', 'ended') order by id"
        )
        assert fix_app.ask(dsn, events) == [
            ("rejected", "linus"),
            ("approved", "grace"),
            ("erased", ""),
            ("ended", ""),
        ]

        dump = tmp_path / "prefect.sql"
        assert desk.stack.database.dump("--inserts", "--file", dump)
        said = [dump, *(path for path in desk.stack.home.rglob("*") if path.is_file())]
        said += [path for path in (project / "artifacts").rglob("*") if path.is_file()]
        texts = [path.read_bytes().decode("utf-8", "replace") for path in said]
        assert str(done.id) in texts[0]
        words = (ADA, EMAIL, NAME, "L\\u00f6velace", "20 7946 0000", "St James", "192.0.2.7")
        found = [
            (word, path.name)
            for word in words
            for path, text in zip(said, texts, strict=True)
            if word in text
        ]
        assert found == []
