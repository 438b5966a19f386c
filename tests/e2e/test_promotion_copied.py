"""A physical copy of production to which the DSN leads when the answer comes: it has everything but the approval."""

from __future__ import annotations

from contextlib import ExitStack
from uuid import UUID

import pytest

from deployments.stack import Stack
from tests import fix_copied, fix_postgres
from tests.faults import restarts
from tests.fix_promotion import MakeGuarded, Production

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


def requested(production: Production) -> UUID:
    run = production.promote()
    production.request(run, "ada")
    return run


# An older copy's audit log knows of no question of this run; the evidence store does.
@pytest.mark.parametrize("older", [False, True], ids=["a copy of now", "an older copy"])
def test_what_was_approved_for_a_database_is_not_applied_to_a_copy_of_it(
    stack: Stack, make_guarded: MakeGuarded, older: bool
):
    with restarts.own() as own, fix_postgres.fresh_database(own.server) as name, ExitStack() as copies:
        admin = own.server.dsn(name, user=own.server.superuser)
        production = make_guarded(stack, own.server.dsn(name), admin)
        assert production.shop.rehearse().ok
        run = None if older else requested(production)
        copy = copies.enter_context(fix_copied.copied(own.server))
        run = run or requested(production)
        (production.secrets / "dsn").write_text(copy.dsn(name))
        production.decide(run, "grace")
        assert production.ended(run) == "Failed"
        assert f"This run has asked about the database at {own.server.host}:5432" in production.message(run)
        assert f"the one that answers now is at {copy.host}:5432" in production.message(run)
        copies.close()
        (production.secrets / "dsn").write_text(own.server.dsn(name))
        # A plain restart is no other database: what grace has said still holds.
        own.restart()
        production.retry(run)
        assert production.ended(run) == "Completed", production.message(run)
        found = production.result(run)
        assert (found.state, found.decision.by) == ("promoted", ("grace",))
        assert any("was started after the question" in each for each in found.findings)
