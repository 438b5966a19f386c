"""What stands in the way and what to do next, said from a result; and what helps against a refused login."""

from __future__ import annotations

import pytest

from ops import errors, logins, triage
from ops.verdict import (
    Chain,
    Contract,
    ContractFile,
    Difference,
    Failure,
    Reapply,
    Rls,
    RlsFinding,
    Rollback,
    Verdict,
)
from tests import reports

POOLER = "aws-0-eu-central-1.pooler.supabase.com"
DSN = f"postgresql://postgres.abcdefghij:secret-word@{POOLER}:5432/postgres?sslmode=require"


@pytest.mark.parametrize(
    ("sqlstate", "helps"),
    [
        ("42P07", "IF NOT EXISTS"),
        ("42703", "migrations before it"),
        ("55P03", "who holds the lock"),
        ("23505", "NOT VALID"),
        ("42501", "no superuser"),
        ("55P04", "next file"),
        ("25001", "file of its own"),
        ("08006", "session pooler"),
        ("53300", "connections"),
        ("28P01", "postgres.<project_ref>"),
    ],
)
def test_an_error_comes_with_what_helps(sqlstate: str, helps: str) -> None:
    assert helps in (triage.hint(Failure(message="no", sqlstate=sqlstate)) or "")


@pytest.mark.parametrize("sqlstate", [None, "", "P0001", "XX000"])
def test_where_nothing_is_known_nothing_is_said(sqlstate: str | None) -> None:
    assert triage.hint(Failure(message="no", sqlstate=sqlstate)) is None


@pytest.mark.parametrize(
    ("before", "after", "note", "said"),
    [
        ("x", None, None, "table public.t: lost"),
        (None, "x", None, "table public.t: left behind"),
        ("x", "y", None, "table public.t: x → y"),
        ("x" * 80, "y", None, "table public.t: changed"),
        ("x", None, "3 rows lost", "table public.t: 3 rows lost"),
    ],
)
def test_a_difference_is_said_in_a_line(
    before: str | None, after: str | None, note: str | None, said: str
) -> None:
    found = Difference(kind="table", object="public.t", before=before, after=after, note=note)
    assert triage.describe(found) == said


def test_many_differences_are_cut_and_counted() -> None:
    many = [Difference(kind="table", object=f"public.t{n}", before="x") for n in range(5)]
    assert triage.describe_all(many).endswith("table public.t2: lost; +2 more")
    assert "more" not in triage.describe_all(many[:3])


@pytest.mark.parametrize(
    ("file", "holds"),
    [
        (ContractFile(name="a", planned=2, passed=2), True),
        (ContractFile(name="a", passed=2), True),
        (ContractFile(name="a"), False),
        (ContractFile(name="a", planned=3, passed=2), False),
        (ContractFile(name="a", passed=2, failed=1), False),
        (ContractFile(name="a", passed=2, error="it broke"), False),
    ],
)
def test_a_contract_holds_only_if_it_asserted_something_and_all_of_it(
    file: ContractFile, holds: bool
) -> None:
    assert triage.holds(file) is holds


def test_nothing_stands_in_the_way_of_a_rehearsal_that_passed() -> None:
    assert triage.blockers(reports.passed()) == ()
    assert triage.next_action(reports.passed()).startswith("Write the missing rollback scripts")


def test_missing_scripts_block_only_where_they_are_required() -> None:
    required = reports.passed().model_copy(update={"ok": False, "verdict": Verdict.FAILED})
    assert triage.blockers(required) == (
        "No rollback script for 2 migrations, and this rehearsal requires one of each.",
    )


def test_everything_that_is_wrong_is_a_blocker() -> None:
    found = "\n".join(triage.blockers(reports.failed()))
    assert "42703" in found
    assert "runs and does not restore: index public.orders_created_at_idx: left behind" in found
    assert "Contract supabase/rls_tests.sql: 11 of 12 passed, 1 failed: anon reads orders" in found
    assert "RLS: public.prices" in found
    assert "has no policy for insert" not in found


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"chain": Chain(status="failed", reason="the third script fails")}, "the third script fails"),
        ({"contract": Contract(missing="supabase/rls_tests.sql is gone")}, "The contract is missing"),
        (
            {"contract": Contract(files=(ContractFile(name="a.test.sql"),))},
            "Contract a.test.sql: 0 passed, 0 failed: nothing was asserted",
        ),
        ({"error": Failure(message="nobody answers")}, "nobody answers"),
        ({"rls": Rls(findings=(RlsFinding(table="public.t", message="is open"),))}, "RLS: public.t"),
    ],
)
def test_each_kind_of_wrong_blocks(wrong: dict[str, object], said: str) -> None:
    found = reports.rehearsal(reports.migration(1, "catalog"), ok=False, **wrong)
    assert said in "\n".join(triage.blockers(found))


def test_a_migration_that_cannot_be_applied_again_blocks() -> None:
    failed = Reapply(status="failed", error=Failure(message="it exists already", sqlstate="42P07"))
    differs = Reapply(
        status="differs", differences=(Difference(kind="index", object="public.i", before="x"),)
    )
    found = triage.blockers(
        reports.rehearsal(
            reports.migration(1, "catalog", reapply=failed),
            reports.migration(2, "orders", reapply=differs),
            ok=False,
        )
    )
    assert "cannot be applied again: 42P07 it exists already" in found[0]
    assert "gives another result: index public.i: lost" in found[1]


def test_follow_ups_name_what_nobody_is_blocked_by() -> None:
    found = triage.follow_ups(reports.passed())
    assert any("Write a rollback script for" in said and "guided_selling_graph" in said for said in found)
    assert "supabase/config.toml names major version 15; this rehearsal ran on 18." in found


def test_a_proof_on_empty_tables_is_said_to_prove_little() -> None:
    blind = Rollback(script="down.sql", status="proven", rows_seen=0)
    found = triage.follow_ups(reports.rehearsal(reports.migration(1, "catalog", rollback=blind)))
    assert any("saw no rows" in said for said in found)


@pytest.mark.parametrize(
    ("result", "starts"),
    [
        (reports.failed(), "Mend 20250000000003_programmatic_seo_blueprints.sql at line 14"),
        (reports.refused(), "Mend 20250000000002_orders.sql at line 3"),
        (reports.unavailable(), "Bring the database within reach"),
    ],
)
def test_one_next_action(result: object, starts: str) -> None:
    assert triage.next_action(result).startswith(starts)  # pyright: ignore[reportArgumentType]


LOGINS = [
    'connection failed: FATAL:  password authentication failed for user "postgres"',
    "connection failed: FATAL:  SASL authentication failed",
    "connection failed: fe_sendauth: no password supplied",
    "connection failed: FATAL:  Tenant or user not found",
    "connection failed: FATAL:  (ENOTFOUND) tenant/user postgres.abcdefghij not found",
    "connection failed: FATAL:  Circuit breaker open: Too many authentication errors",
    "connection failed: FATAL:  (ECIRCUITBREAKER) circuit breaker open for operation: auth_error",
]


@pytest.mark.parametrize("said", LOGINS)
def test_a_refused_login_comes_with_what_of_the_triage_fits(said: str) -> None:
    found = logins.explained(errors.Unavailable(said), DSN, {"DATASTORE": "postgres"})
    assert isinstance(found, errors.Refused)
    assert said in str(found)
    assert "(1) Confirm that DATASTORE" not in str(found)
    assert "Run this check again" in str(found)
    unknown = "Tenant" in said or "ENOTFOUND" in said
    assert ("postgres.<project_ref>" in str(found)) is unknown
    assert ("Reset the database" in str(found)) is not unknown
    assert "secret-word" not in str(found)


def test_an_open_circuit_breaker_is_told_apart() -> None:
    open_, shut = (logins.explained(errors.Refused(LOGINS[n]), DSN, {}) for n in (5, 0))
    assert "each further try prolongs it" in str(open_)
    assert "each further try prolongs it" not in str(shut)


def test_a_pooler_that_cannot_reach_the_database_may_be_tried_again() -> None:
    said = "FATAL:  (ECIRCUITBREAKER) failed to retrieve database credentials after multiple attempts"
    found = logins.explained(errors.Refused(said), DSN, {})
    assert isinstance(found, errors.Unavailable)
    assert "Wait a minute" in str(found)


def test_the_triage_is_chosen_by_what_is_found_here() -> None:
    said = " ".join(logins.steps(DSN.replace(":5432", ":6543"), {"DATASTORE": "sqlite"}))
    assert "(not so here)" in said
    assert f"here it is {POOLER}:6543" in said
    assert "not set here" in " ".join(logins.steps(DSN, {}))
    well = " ".join(logins.steps(DSN, {"DATASTORE": "postgres"}))
    assert "DATASTORE" not in well
    assert "session pooler" not in well
    assert "the user is" not in well
    assert "circuit breaker" in well
    bare = DSN.replace("postgres.abcdefghij", "postgres")
    assert "here it is 'postgres'" in " ".join(logins.steps(bare, {"DATASTORE": "postgres"}))
    local = "postgresql://app:x@127.0.0.1:5432/app"
    assert len(logins.steps(local, {"DATASTORE": "postgres"}, "password authentication failed")) == 2


def test_a_direct_host_that_is_not_found_is_told_to_have_only_ipv6() -> None:
    direct = "postgresql://postgres:x@db.abcdefghij.supabase.co:5432/postgres?sslmode=require"
    lost = errors.Unavailable('could not translate host name "db.abcdefghij.supabase.co" to address')
    assert "has only IPv6" in str(logins.explained(lost, direct, {}))
    assert "Check the host's spelling" in str(logins.explained(lost, DSN, {}))


def test_what_is_no_login_trouble_is_left_alone() -> None:
    error = errors.Unavailable("connection refused")
    assert logins.explained(error, DSN, {}) is error
