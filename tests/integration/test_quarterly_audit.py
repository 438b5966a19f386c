"""The quarterly audit on a real server: well, broken in one way, found and named, mended, gone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.quarterly_audit import quarterly_audit
from ops import audit_checks, database, drill_log, lints, rls_contract, rls_trial
from ops.check_looks import Check
from ops.checked import Checked
from tests.fix_checks import Checkup
from tests.fix_own_server import server  # noqa: F401  # a fixture is found by its name

TABLE = """\
create table public.notes (id bigint generated always as identity primary key, owner_id uuid not null, said text);
alter table public.notes enable row level security;
create policy owners on public.notes for all to authenticated
using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
"""
BACKUPS = """
[environments.production.backups]
most_drill_age = "100 days"
physical = { base = "/nowhere/base", wal = "/nowhere/wal" }
"""


def declare(checkup: Checkup) -> None:
    """Commit the contract of the database as it is now."""
    with database.connect(checkup.admin) as connection:
        found = rls_trial.run(connection, schemas=lints.DEFAULT_SERVED, samples={}).contract
    (checkup.project / rls_contract.CONVENTION).write_text(rls_contract.text(found), "utf-8")


def drill(checkup: Checkup, *, ago: timedelta) -> None:
    ended = (datetime.now(UTC) - ago).isoformat()
    drill_log.append(checkup.project, "production", {"run": ended, "verdict": "passed", "ended": ended})


def looked(checkup: Checkup, check: Check) -> list[tuple[str, str, str]]:
    """Return kind, object and severity of what one check finds."""
    checkup.checks = (check,)
    found = checkup.run("quarterly-audit")
    return [(each.kind, each.object, each.severity) for each in found.report.findings]


@pytest.fixture
def audited(checkup: Checkup) -> Checkup:
    """A project whose production is as it should be."""
    checkup.sql(TABLE)
    declare(checkup)
    drill(checkup, ago=timedelta(days=3))
    return checkup


def kinds(found: Checked) -> set[str]:
    return {each.kind for each in found.report.findings if each.counts}


def test_a_whole_audit_of_what_is_well_passes_and_what_is_broken_is_told(audited: Checkup):
    found = audited.look(flow=quarterly_audit.fn)
    assert (found.verdict, kinds(found)) == ("passed", set())
    assert {each.state for each in found.report.looks} == {"well", "idle"}
    assert found.bundle
    kept = json.loads((Path(found.bundle) / "rls.contract.json").read_text("utf-8"))
    assert kept == json.loads((audited.project / rls_contract.CONVENTION).read_text("utf-8"))

    audited.sql("alter policy owners on public.notes using (true)")
    broken = audited.look(flow=quarterly_audit.fn)
    assert broken.verdict == "failed"
    assert kinds(broken) == {"rls-policy-changed", "rls-too-wide", "rls_policy_always_true"}
    (heard,) = audited.heard
    assert "Somebody else who is signed in can read a row of the owner's in public.notes" in heard["text"]

    audited.sql("alter policy owners on public.notes using (owner_id = (select auth.uid()))")
    mended = audited.look(flow=quarterly_audit.fn)
    assert (mended.verdict, len(mended.report.gone)) == ("passed", len(broken.report.findings))


def test_a_whole_audit_sees_roles_of_the_platform_rights_on_tables_and_policies_of_storage(audited: Checkup):
    audited.configure("[environments.production.access.roles.noapp]\nlogin = true")
    audited.sql(
        "create role noapp login; insert into storage.buckets (id, name) values ('evidence', 'evidence')"
    )
    try:
        assert audited.look(flow=quarterly_audit.fn).verdict == "passed"
        audited.sql("alter role service_role login; grant all on all tables in schema public to noapp")
        audited.sql("create policy everybody on storage.objects for all to anon, authenticated using (true)")
        broken = audited.look(flow=quarterly_audit.fn)
        assert broken.verdict == "failed"
        assert kinds(broken) == {"role-login", "role-table-rights", "storage-policy-open"}
        audited.sql("drop policy everybody on storage.objects")
    finally:
        audited.sql("drop owned by noapp; drop role noapp; alter role service_role nologin")
    audited.configure("")
    assert audited.look(flow=quarterly_audit.fn).verdict == "passed"


def test_the_trial_leaves_nothing_in_the_database(audited: Checkup):
    audited.look(flow=quarterly_audit.fn)
    assert audited.sql("select (select count(*) from public.notes), (select count(*) from auth.users)") == [
        (0, 0)
    ]
    assert audited.sql("select last_value, is_called from public.notes_id_seq") == [(1, False)]


def test_a_project_without_a_contract_is_told_to_write_one(audited: Checkup):
    (audited.project / rls_contract.CONVENTION).unlink()
    assert looked(audited, audit_checks.check_contract) == [
        ("rls-no-contract", "supabase/rls.contract.json", "attention")
    ]


def test_a_contract_that_cannot_be_read_is_not_passed_over(audited: Checkup):
    (audited.project / rls_contract.CONVENTION).write_text("{}", "utf-8")
    assert looked(audited, audit_checks.check_contract) == [
        ("not-looked-at", "contract of row level security", "attention")
    ]


@pytest.mark.parametrize(
    ("ago", "more", "expected"),
    [
        (timedelta(days=99), BACKUPS, []),
        (timedelta(days=101), BACKUPS, [("drill-overdue", "restore drill", "failed")]),
        (timedelta(days=101), "", [("drill-overdue", "restore drill", "attention")]),
    ],
)
def test_a_drill_that_is_too_long_ago_is_found(
    checkup: Checkup, ago: timedelta, more: str, expected: list[tuple[str, str, str]]
):
    checkup.configure(more)
    assert [kind for kind, *_ in looked(checkup, audit_checks.check_drill)] == ["drill-overdue"]
    drill(checkup, ago=ago)
    assert looked(checkup, audit_checks.check_drill) == expected


def test_what_the_contract_cannot_tell_is_looked_at(audited: Checkup):
    audited.sql(
        "create table public.reports (id bigint generated always as identity primary key, team text not null);"
        "alter table public.reports enable row level security;"
        "create policy teams on public.reports to authenticated"
        " using ((auth.jwt() -> 'app_metadata' -> 'teams') ? team)"
    )
    declare(audited)
    assert looked(audited, audit_checks.check_contract) == [
        ("rls-owner-powerless", "public.reports", "attention")
    ]
