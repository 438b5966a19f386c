"""The review of Storage in the quarterly audit: well, broken in one way, found, mended by what is told, gone."""

from __future__ import annotations

import psycopg
import pytest

from ops import database, storage_contract, storage_policies
from tests.fix_access import looked, named, statements
from tests.fix_checks import Checkup

BUCKETS = "insert into storage.buckets (id, name, public) values ('evidence', 'evidence', false)"
OWN = (
    "create policy own on storage.objects for all to authenticated "
    "using (bucket_id = 'evidence' and owner_id = (select auth.uid()::text))"
)


@pytest.fixture
def stored(checkup: Checkup) -> Checkup:
    """A database with a private bucket, of which everybody has the own files."""
    checkup.sql(BUCKETS)
    checkup.sql(OWN)
    return checkup


@pytest.mark.parametrize(
    ("breaking", "says"),
    [
        (
            "for all to anon, authenticated using (true)",
            "anon and authenticated read, add, change, remove files",
        ),
        ("for select using (1 = 1)", "lets anon and authenticated read files of every bucket"),
        ("for insert to anon with check (true)", "lets anon add files"),
        ("for all to authenticated using (owner_id = '1') with check (true)", "lets authenticated add files"),
        ("for delete using (auth.role() = 'authenticated')", "lets authenticated remove files"),
        ("for select using ((select auth.uid()) is not null)", "lets authenticated read files"),
        ("for select using (auth.uid() is not null or bucket_id = 'x')", "lets authenticated read files"),
    ],
)
def test_a_policy_that_holds_nobody_is_found_and_gone_by_what_is_told(
    stored: Checkup, breaking: str, says: str
):
    assert looked(stored, storage_policies.check_storage) == []
    stored.sql(f'create policy "every body" on storage.objects {breaking}')
    (found,) = looked(stored, storage_policies.check_storage)
    assert (found.kind, found.object, found.severity) == (
        "storage-policy-open",
        "storage.objects every body",
        "failed",
    )
    assert says in found.said
    stored.sql(statements(found))
    assert looked(stored, storage_policies.check_storage) == []


@pytest.mark.parametrize(
    "policy",
    [
        "for select using (bucket_id = 'evidence')",
        "for all to service_role using (true)",
        "for select using ((auth.jwt() ->> 'role') = 'auditor')",
        "for all to anon using (auth.role() = 'authenticated')",
        "as restrictive for all using (true)",
    ],
)
def test_a_policy_that_asks_for_something_is_no_finding(stored: Checkup, policy: str):
    stored.sql(f"create policy more on storage.objects {policy}")
    assert looked(stored, storage_policies.check_storage) == []


def test_a_restrictive_policy_narrows_what_an_open_one_lets_do(stored: Checkup):
    stored.sql("create policy reads on storage.objects for all using (true)")
    stored.sql(
        "create policy walls on storage.objects as restrictive for delete using (bucket_id = 'evidence')"
    )
    (found,) = looked(stored, storage_policies.check_storage)
    assert "read, add, change files" in found.said
    stored.sql("drop policy walls on storage.objects")
    stored.sql("create policy walls on storage.objects as restrictive for all using (bucket_id = 'evidence')")
    assert looked(stored, storage_policies.check_storage) == []


@pytest.mark.parametrize("table", ["storage.objects", "storage.buckets"])
def test_row_level_security_that_is_off_is_found(stored: Checkup, table: str):
    stored.sql(f"alter table {table} disable row level security")
    (found,) = looked(stored, storage_policies.check_storage)
    assert (found.kind, found.object, found.severity) == ("storage-rls-off", table, "failed")
    stored.sql(statements(found))
    assert looked(stored, storage_policies.check_storage) == []


def test_that_everybody_sees_the_names_of_buckets_is_to_be_looked_at(stored: Checkup):
    stored.sql("create policy lists on storage.buckets for select using (true)")
    found = looked(stored, storage_policies.check_storage)
    assert named(found) == [("storage-policy-open", "storage.buckets lists", "attention")]
    stored.sql(statements(found[0]))
    assert looked(stored, storage_policies.check_storage) == []


def test_a_committed_contract_is_compared_as_the_command_does(stored: Checkup):
    with database.connect(stored.admin) as connection:
        contract = storage_contract.of_database(connection)
    (stored.project / storage_contract.CONVENTION).write_text(storage_contract.text(contract), "utf-8")
    assert looked(stored, storage_policies.check_storage) == []
    stored.sql(
        "update storage.buckets set public = true; alter table storage.objects disable row level security"
    )
    stored.sql("create policy everybody on storage.objects for all to anon, authenticated using (true)")
    found = looked(stored, storage_policies.check_storage)
    assert sorted(named(found)) == [
        ("rls-policy-changed", "storage.objects everybody", "failed"),
        ("rls-switched-off", "storage.objects", "failed"),
        ("storage-bucket-changed", "evidence public", "failed"),
    ]
    stored.sql(
        "update storage.buckets set public = false; alter table storage.objects enable row level security"
    )
    stored.sql("drop policy everybody on storage.objects")
    assert looked(stored, storage_policies.check_storage) == []


def test_a_database_without_storage_is_passed_over_unless_a_contract_says_that_it_has_one(stored: Checkup):
    with database.connect(stored.admin) as connection:
        contract = storage_contract.of_database(connection)
    with psycopg.connect(stored.admin, autocommit=True) as connection:
        connection.execute("drop schema storage cascade")
    stored.checks = (storage_policies.check_storage,)
    assert [each.state for each in stored.run().report.looks][-1] == "idle"
    (stored.project / storage_contract.CONVENTION).write_text(storage_contract.text(contract), "utf-8")
    assert named(looked(stored, storage_policies.check_storage)) == [
        ("not-looked-at", "policies of Storage", "attention")
    ]
