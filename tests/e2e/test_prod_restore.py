"""The restore through a real Prefect server, a real worker and its deployment, on a guarded production with people."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from deployments.stack import Stack
from ops import bundle, embedded, people
from tests import fix_app, fix_pause, fix_restored
from tests.fix_gate import PATIENCE, Gate, MakeGate
from tests.fix_restored import Past
from tests.polling import wait_until

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

PAUSE = '\n[environments.production.pause]\nquiet = "PT0.3S"\npatience = "PT30S"\n'


@pytest.fixture
def production(stack: Stack, make_gate: MakeGate) -> Gate:
    found = make_gate(stack)
    people.add(found.store, "edsger", environment="production", now=datetime.now(UTC))
    config = found.root / "runbooks.toml"
    config.write_text(config.read_text("utf-8") + PAUSE, "utf-8")
    fix_app.execute(found.dsn, fix_pause.TABLES)
    return found


def start(production: Gate, target: str, reason: str = fix_restored.REASON, **choices: Any) -> UUID:
    """Start a restore, and wait until it asks or ends."""
    found = production.client.read_deployment_by_name("prod-restore/production")
    parameters = {
        "project": str(production.root),
        "environment": "production",
        "target": target,
        "reason": reason,
        "choices": choices,
    }
    run = production.client.create_flow_run_from_deployment(found.id, parameters=parameters).id
    return production.waiting(run)


def decided(production: Gate, run: UUID, name: str, **said: str) -> None:
    """Answer, and wait until the next question or the end."""
    asked = production.question(run)
    production.decide(run, name, **said)
    wait_until(
        lambda: production.question(run) not in ("", asked) or production.state(run) == "Failed",
        seconds=PATIENCE,
    )


def can_write(production: Gate) -> bool:
    asked = "select has_table_privilege('service_role', 'public.notes', 'insert')"
    return fix_app.ask(production.dsn, asked) == [(True,)]


def test_a_ticket_restores_it_and_a_rejection_leaves_writes_paused(
    production: Gate, server: embedded.Server, shaped_name: str
):
    past = Past(server, shaped_name)
    target = past.at.isoformat()
    refused = start(production, target, reason="why")
    assert production.ended(refused) == "Failed"
    assert "recorded with its reason" in production.message(refused)

    run = start(production, target, root_cause="operator")
    assert "Pause all writes" in production.question(run)
    assert can_write(production)
    decided(production, run, "grace")
    assert "Have Supabase's support restore" in production.question(run), production.message(run)
    assert not can_write(production)

    past.come_back()
    assert can_write(production), "a restore has forgotten the pause"
    decided(production, run, "linus", note="it is done")
    assert "The last note did not count" in production.question(run), production.message(run)
    assert not can_write(production), "the restored database is paused at once"
    decided(production, run, "edsger", note=fix_restored.note())
    assert "Everything that was looked at holds" in production.question(run), production.message(run)
    production.decide(run, "ada", decision="reject", note="rows are missing")
    assert production.ended(run) == "Rejected"
    assert "Writes are still paused" in production.message(run)
    assert not can_write(production)

    again = start(production, target, root_cause="operator")
    assert "Everything that was looked at holds" in production.question(again), production.message(again)
    production.wait_for_next_code()
    production.decide(again, "grace", note="they are there")
    assert production.ended(again) == "Completed", production.message(again)
    assert can_write(production)
    folder = bundle.of_run(production.root, str(again))
    assert folder
    found = json.loads((folder / "prod-restore.json").read_text("utf-8"))
    assert (found["state"], found["ticket"]["ticket"]) == ("enabled", "SU-4711")
    who = [row["who"] for row in found["timeline"] if row["what"].startswith("gate") and row["who"]]
    assert who == ["grace", "linus", "edsger", "ada", "grace"]
    events = production.events()
    assert [name for event, name in events if event == "approved"] == ["grace", "linus", "edsger", "grace"]
    past.forget()


def test_a_row_that_nobody_approved_makes_the_gate_ask_and_can_be_ended(production: Gate):
    before = fix_pause.acls(production.dsn)
    target = datetime.now(UTC).replace(microsecond=0).isoformat()
    fix_pause.forge(
        production.dsn, "begun", {"approved": {"gate": "pause-writes", "plan": "0" * 64, "by": ["grace"]}}
    )
    run = start(production, target)
    assert production.state(run) == "Suspended", production.message(run)
    assert "no approval of it is found" in production.question(run)
    assert can_write(production)
    decided(production, run, "grace")
    assert "Have Supabase's support restore" in production.question(run), production.message(run)
    assert not can_write(production)
    production.decide(run, "linus", decision="reject", note="it was mended")
    assert production.ended(run) == "Rejected"

    fix_pause.forge(production.dsn, "given-up", {"gate": "enable-writes", "plan": "0" * 64, "by": ["grace"]})
    fix_pause.forge(production.dsn, "resumed", {"said": []})
    ending = start(production, "", give_up=True)
    assert "Restore nothing" in production.question(ending), production.message(ending)
    production.decide(ending, "edsger")
    assert production.ended(ending) == "Completed", production.message(ending)
    assert can_write(production)
    assert fix_pause.acls(production.dsn) == before
