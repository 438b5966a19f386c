"""An incident of row level security that is made on a real server: found, mended by what is proposed, and gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.emergency_migration import emergency_migration
from flows.incident_rls import incident_rls
from ops import database, errors, lints, rls_contract, rls_trial
from ops.checked import Checked
from ops.promotion_result import Promotion
from tests.fix_checks import Checkup, written
from tests.releases import Shop

TABLE = """\
create table public."{name}" (id bigint generated always as identity primary key, owner_id uuid not null, said text);
alter table public."{name}" enable row level security;
create policy "it's theirs" on public."{name}" for all to authenticated
using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
create policy short on public."{name}" as restrictive for insert to public with check (length(said) < 100);
"""
BROKEN = {
    "a policy that lets everybody in": """alter policy "it's theirs" on public.notes using (true)""",
    "a policy for whoever has no account": "create policy open on public.notes for select to anon using (true)",
    "a policy that is gone": """drop policy "it's theirs" on public.notes""",
    "a restriction that is gone": "drop policy short on public.notes",
    "row level security that is off": "alter table public.notes disable row level security",
    "another role": """alter policy "it's theirs" on public.notes to anon""",
    "a table with a name of two parts": """alter policy "it's theirs" on public."Odd.Table" using (true)""",
}


def declare(checkup: Checkup) -> None:
    """Commit the contract of the database as it is now."""
    with database.connect(checkup.admin) as connection:
        found = rls_trial.run(connection, schemas=lints.DEFAULT_SERVED, samples={}).contract
    (checkup.project / rls_contract.CONVENTION).write_text(rls_contract.text(found), "utf-8")


@pytest.fixture
def served(checkup: Checkup) -> Checkup:
    """Two tables whose policies are right, and the contract that says so."""
    checkup.sql(TABLE.format(name="notes") + TABLE.format(name="Odd.Table"))
    declare(checkup)
    return checkup


def looked(checkup: Checkup, table: str = "") -> Checked:
    return checkup.look(flow=lambda project: incident_rls.fn(project, "production", table))


def wrong(found: Checked) -> set[tuple[str, str]]:
    return {(each.kind, each.object) for each in found.report.findings if each.kind.startswith("rls-")}


def proposed(found: Checked, name: str) -> str:
    assert found.bundle
    return Path(found.bundle, name).read_text("utf-8")


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_wrong_is_found_and_mended_by_what_is_proposed_and_can_be_taken_back(
    served: Checkup, what: str
):
    assert wrong(looked(served)) == set()
    served.sql(BROKEN[what])
    first = looked(served)
    assert first.verdict == "failed"
    assert wrong(first)
    # A second time changes nothing: where the rehearsal's database was right already, it must stay so.
    for _ in range(2):
        served.sql(proposed(first, "corrective.sql"))
    after = looked(served)
    assert wrong(after) == set()
    assert not Path(after.bundle or "", "corrective.sql").exists()
    for _ in range(2):
        served.sql(proposed(first, "corrective.rollback.sql"))
    assert wrong(looked(served)) == wrong(first)


def test_a_right_that_is_gone_is_no_matter_of_policies_and_that_is_said(served: Checkup):
    served.sql("revoke select on public.notes from authenticated")
    found = looked(served)
    assert ("rls-too-narrow", "public.notes owner read") in wrong(found)
    (said,) = [each["said"] for each in written(found)["looks"] if each["about"] == "corrective migration"]
    assert "comes from grants" in said


def test_one_table_is_looked_at_alone(served: Checkup):
    served.sql(BROKEN["a policy that is gone"] + ";" + BROKEN["a table with a name of two parts"])
    found = looked(served, "notes")
    assert {each.split()[0] for _, each in wrong(found)} == {"public.notes"}
    assert "Odd.Table" not in proposed(found, "corrective.sql")


def test_a_table_that_the_contract_does_not_have_is_refused_with_those_that_it_has(served: Checkup):
    with pytest.raises(
        errors.Refused, match=r"does not have public\.note, .* It has: public\.Odd\.Table, public\.notes"
    ):
        looked(served, "note")


def test_without_a_contract_it_is_refused_with_the_command_that_writes_it(checkup: Checkup):
    with pytest.raises(errors.Refused, match="runbooks rls declare"):
        looked(checkup)


FIX = "20260301120000"


OPENED = 'create policy "for a test" on public.notes for select to anon using (true);'


@pytest.mark.parametrize(
    ("by", "breaking"),
    [
        ("a migration", OPENED),
        ("other hands", OPENED),
        ("other hands", "alter table public.notes disable row level security"),
        ("other hands", 'drop policy "owners manage their notes" on public.notes'),
    ],
)
def test_what_is_proposed_goes_through_the_shortened_gate(
    tmp_path: Path, shaped: str, shaped_admin: str, monkeypatch: pytest.MonkeyPatch, by: str, breaking: str
):
    shop = Shop(tmp_path / "shop", shaped, monkeypatch, admin=shaped_admin)
    shop.without_overlay()
    for path in sorted((shop.root / "supabase" / "migrations").iterdir()):
        shop.push(str(path.relative_to(shop.root)))
    with database.connect(shaped_admin) as connection:
        right = rls_trial.run(connection, schemas=lints.DEFAULT_SERVED, samples={}).contract
    (shop.root / rls_contract.CONVENTION).write_text(rls_contract.text(right), "utf-8")
    if by == "a migration":
        shop.add("20260301110000_slip", breaking, 'drop policy "for a test" on public.notes;')
        shop.push("supabase/migrations/20260301110000_slip.sql")
    else:
        shop.admin(breaking)

    with pytest.raises(errors.CheckFailed) as caught:
        incident_rls.fn(str(shop.root), "production", "notes")
    found = caught.value.evidence
    assert isinstance(found, Checked)
    forth = proposed(found, "corrective.sql")
    back = proposed(found, "corrective.rollback.sql") if by == "a migration" else forth
    shop.add(f"{FIX}_policies", forth, back)
    assert shop.rehearse().ok
    with shop.terminal("approve", "ada", ""):
        mended = emergency_migration.fn(str(shop.root), "production", FIX, "anon reads the notes of others")
    assert isinstance(mended, Promotion)
    assert (mended.state, shop.history[-1], mended.differences) == ("promoted", FIX, ())
    assert incident_rls.fn(str(shop.root), "production", "notes").verdict == "passed"
