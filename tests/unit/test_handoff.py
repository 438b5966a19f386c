"""The end of a rehearsal: every log under the runbook's name, the plan status, and word to the manager."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ops import bundle, handoff, manifest, project, secrets, transcript
from ops.bundle import Bundle
from ops.evidence import Evidence
from ops.project import Project
from ops.verdict import Contract, Rehearsal, Rollback
from tests import reports
from tests.fix_webhook import webhook

STARTED = datetime(2025, 10, 19, 14, 2, 11, tzinfo=UTC)
FOUND = Evidence(ok=True, summary="4 pending.", rows=({"version": "1", "state": "pending"},))


@pytest.fixture
def kept(tmp_path: Path) -> Bundle:
    return bundle.open_bundle(tmp_path, kind="rehearsal", started=STARTED)


def written(kept: Bundle, found: Rehearsal) -> dict[str, str]:
    kept.append("mcp_attempt1.jsonl", {"event": "started"})
    handoff.write(kept, found, connectivity=FOUND, before=FOUND, after=FOUND)
    kept.seal()
    return {path.name: path.read_text("utf-8") for path in kept.path.iterdir()}


@pytest.mark.parametrize("name", reports.ALL)
def test_every_log_has_the_name_that_the_runbook_gives_it(kept: Bundle, name: str) -> None:
    assert set(written(kept, reports.ALL[name]())) == {
        "ipv4_pooler_check_140211.log",
        "migration_status_pre_140211.txt",
        "migration_apply.log",
        "migration_rollback.log",
        "rls_contract.log",
        "migration_status_post.txt",
        "mcp_attempt1.jsonl",
        "data_plan.json",
        "rehearsal.json",
        "feedback_2025-10-19.md",
        "bundle.json",
        manifest.NAME,
    }
    assert manifest.verify(kept.path).ok


def test_what_did_not_happen_leaves_no_file(kept: Bundle) -> None:
    handoff.write(kept, reports.unavailable())
    names = {path.name for path in kept.path.iterdir()}
    assert not any(name.startswith(("ipv4_pooler_check", "migration_status")) for name in names)
    plan = json.loads((kept.path / "data_plan.json").read_text("utf-8"))
    states = {item["id"]: (item["status"], item["evidence"]) for item in plan["items"]}
    assert states["connectivity"] == ("not-started", [])
    assert states["post-status"] == ("not-started", [])


def test_result_is_the_published_one(kept: Bundle) -> None:
    found = reports.failed()
    assert json.loads(written(kept, found)["rehearsal.json"]) == json.loads(json.dumps(found.published()))


def test_plan_status_has_evidence_for_every_item(kept: Bundle) -> None:
    files = written(kept, reports.failed())
    plan: dict[str, Any] = json.loads(files["data_plan.json"])
    states = {item["id"]: item["status"] for item in plan["items"]}
    assert plan["status"] == "blocked"
    assert states == {
        "connectivity": "completed",
        "inventory": "completed",
        "apply": "blocked",
        "rollback": "blocked",
        "rls-contract": "blocked",
        "post-status": "completed",
        "20250000000001_catalog.sql": "completed",
        "20250000000002_orders.sql": "blocked",
        "20250000000003_programmatic_seo_blueprints.sql": "blocked",
        "20250000000004_guided_selling_graph.sql": "not-started",
        "20250000000005_ab_harness_exposures.sql": "not-started",
    }
    assert all(name in files for item in plan["items"] for name in item["evidence"])
    assert all(item["evidence"] for item in plan["items"])


def test_plan_status_of_what_passed_is_completed(kept: Bundle) -> None:
    plan = json.loads(written(kept, reports.passed())["data_plan.json"])
    assert plan["status"] == "completed"
    assert {item["status"] for item in plan["items"]} == {"completed"}


def test_apply_log_reads_as_the_runbooks_loop() -> None:
    log = transcript.applied(reports.failed())
    assert log.count("==> supabase/migrations/") == 5
    assert "!! failure: supabase/migrations/20250000000003_programmatic_seo_blueprints.sql\n" in log
    assert "    hint: There is a column named “sku_id” in the table.\n" in log
    assert "    lock AccessExclusiveLock on public.catalog\n" in log
    assert log.count("!! failure:") == 1


def test_rollback_log_names_each_script_and_what_is_missing() -> None:
    log = transcript.rolled_back(reports.failed())
    assert "==> rollback supabase/rollbacks/20250000000001_catalog.down.sql\n    proven in 3.2 ms" in log
    assert "!! rollback failure: supabase/rollbacks/20250000000002_orders.down.sql\n" in log
    assert "-- no rollback script: supabase/migrations/20250000000005_ab_harness_exposures.sql\n" in log
    assert "    rows public.prices: 3 of 40 rows lost\n" in log


def test_contract_log_names_tables_and_failures() -> None:
    log = transcript.contract(reports.failed())
    assert "    not ok: anon reads orders\n!! failure: supabase/rls_tests.sql\n" in log
    assert "!! failure: public.prices: row level security is off" in log
    assert "    public.prices  OFF  no      0\n" in log


def test_missing_contract_is_a_failure_in_the_log() -> None:
    log = transcript.contract(reports.rehearsal(ok=False, contract=Contract(missing="there is no contract")))
    assert log.startswith("!! failure: there is no contract\n")


def test_skipped_rollback_is_no_failure() -> None:
    skipped = Rollback(script="a.down.sql", status="skipped")
    assert "failure" not in transcript.rolled_back(
        reports.rehearsal(reports.migration(1, "a", rollback=skipped))
    )


def managed(tmp_path: Path, reference: str) -> Project:
    (tmp_path / "runbooks.toml").write_text(f'[project]\nmanager = "{reference}"\n', encoding="utf-8")
    (tmp_path / "supabase").mkdir(exist_ok=True)
    return project.load(tmp_path)


def test_manager_reads_verdict_blockers_and_next_action(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with webhook() as (address, heard):
        monkeypatch.setenv("MANAGER", address)
        told = handoff.notify(
            managed(tmp_path, "env:MANAGER"), reports.failed().model_copy(update={"bundle": "/b"})
        )
    assert told.ok, told.summary
    (message,) = heard
    lines = message["text"].splitlines()
    assert (
        lines[0]
        == "FAILED: storefront on throw-away. 1 of 5 migrations failed and 1 rollback does not restore."
    )
    assert sum(line.startswith("• ") for line in lines) == 4
    assert lines[-2].startswith("Next: ")
    assert lines[-1] == "Evidence: /b"


def test_manager_is_told_of_a_missing_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = reports.rehearsal(ok=False, contract=Contract(missing="storefront has no contract file x.sql."))
    with webhook() as (address, heard):
        monkeypatch.setenv("MANAGER", address)
        assert handoff.notify(managed(tmp_path, "env:MANAGER"), found).ok
    assert "no contract file x.sql" in heard[0]["text"]


def test_names_in_a_message_ping_nobody() -> None:
    text = handoff.message(reports.rehearsal(ok=False, summary="<!channel> & <http://x|y>"))
    assert "<" not in text
    assert "&lt;!channel&gt; &amp; " in text


@pytest.mark.parametrize("status", [404, 500])
def test_webhook_that_refuses_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    with webhook(status) as (address, _):
        monkeypatch.setenv("MANAGER", address)
        told = handoff.notify(managed(tmp_path, "env:MANAGER"), reports.passed())
    assert not told.ok
    assert f"answered {status}" in told.summary
    assert "sEcReTpArT" not in told.summary


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/x", "not an address", "http://[::1/broken"])
def test_webhook_that_is_not_there_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("MANAGER", address)
    told = handoff.notify(managed(tmp_path, "env:MANAGER"), reports.passed(), timeout=timedelta(seconds=2))
    assert not told.ok
    assert told.summary.startswith("The manager was not told: ")


def test_webhook_that_cannot_be_opened_is_a_finding(tmp_path: Path) -> None:
    told = handoff.notify(managed(tmp_path, "env:NOT_SET_ANYWHERE"), reports.passed())
    assert not told.ok
    assert "NOT_SET_ANYWHERE" in told.summary


def test_project_without_a_manager_is_fine(tmp_path: Path) -> None:
    (tmp_path / "supabase").mkdir()
    assert handoff.notify(project.load(tmp_path), reports.failed()).ok


def test_address_of_the_webhook_is_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook() as (address, _):
        monkeypatch.setenv("MANAGER", address)
        handoff.notify(managed(tmp_path, "env:MANAGER"), reports.passed())
    assert secrets.redact(f"at {address}") == f"at {secrets.MASK}"
