"""The incident of row level security through a real Prefect server, a real worker and its deployment."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import bundle, database, lints, rls_contract, rls_trial
from tests import fix_checks
from tests.fix_checks import Checkup
from tests.fix_stack import Desk

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
RUNBOOK = "incident-rls/production"
TABLE = """\
create table public.notes (id bigint generated always as identity primary key, owner_id uuid not null, said text);
alter table public.notes enable row level security;
create policy owners on public.notes for all to authenticated using (owner_id = (select auth.uid()));
"""


def test_what_is_wrong_is_found_with_its_migration_and_gone_when_that_is_applied(
    desk: Desk, checkup: Checkup
):
    checkup.sql(TABLE)
    with database.connect(checkup.admin) as connection:
        found = rls_trial.run(connection, schemas=lints.DEFAULT_SERVED, samples={}).contract
    (checkup.project / rls_contract.CONVENTION).write_text(rls_contract.text(found), "utf-8")
    checkup.sql("alter policy owners on public.notes using (true)")

    broken = fix_checks.run_deployed(desk, checkup.project, RUNBOOK, table="notes")
    assert broken.state
    assert broken.state.is_failed()
    kinds = {each["kind"] for each in fix_checks.report(checkup.project, broken)["findings"]}
    assert {"rls-too-wide", "rls-policy-changed"} <= kinds

    kept = bundle.of_run(checkup.project, str(broken.id))
    assert kept
    checkup.sql(Path(kept, "corrective.sql").read_text("utf-8"))
    mended = fix_checks.run_deployed(desk, checkup.project, RUNBOOK, table="notes")
    assert mended.state
    assert mended.state.is_completed(), mended.state.message

    refused = fix_checks.run_deployed(desk, checkup.project, RUNBOOK, table="nowhere")
    assert refused.state
    assert "does not have public.nowhere" in (refused.state.message or "")
