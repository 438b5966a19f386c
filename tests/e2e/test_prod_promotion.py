"""The promotion through a real Prefect server, a real worker and its deployment, to a guarded production."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests import fix_command, projects, unchanged
from tests.fix_promotion import Production
from tests.polling import wait_until
from tests.releases import CONFIRMATION

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


def test_somebody_else_approves_and_it_is_applied_and_proven_once(production: Production):
    assert production.shop.rehearse().ok
    run = production.promote()
    assert "Who asks for: promote on production?" in production.question(run)
    production.request(run, "ada")
    question = production.question(run)
    assert "ada asks for it" in question
    assert "4 migrations and 1 of this environment's overlay" in question
    production.decide(run, "grace")
    assert production.ended(run) == "Completed", production.message(run)
    found = production.result(run)
    assert (found.state, found.decision.requester, found.decision.by) == ("promoted", "ada", ("grace",))
    assert len(production.shop.history) == 4
    applied = production.rows(run, "promotion-applied")
    assert [(row["file"], row["status"], row["attempts"]) for row in applied] == [
        (each.file, "applied", 1) for each in found.files
    ]
    wait_until(lambda: f"Apply from {projects.NOTES}.sql on" in production.steps(run))
    assert ("ended", "") in production.events()

    again = production.promote()
    assert production.ended(again) == "Completed"
    assert production.result(again).state == "nothing pending"


def test_without_the_words_or_a_rehearsal_it_is_refused_and_asks_nobody(production: Production):
    unrehearsed = production.promote()
    assert production.ended(unrehearsed) == "Failed"
    assert "There is no rehearsal" in production.message(unrehearsed)
    unconfirmed = production.promote("yes")
    assert production.ended(unconfirmed) == "Failed"
    assert "The confirmation is not" in production.message(unconfirmed)
    assert production.told == []


def test_a_rejection_ends_it_with_the_reason_and_nothing_is_applied(production: Production):
    production.shop.rehearse()
    run = production.promote()
    production.request(run, "ada")
    production.decide(run, "grace", decision="reject", note="not on a Friday")
    assert production.ended(run) == "Rejected"
    assert "not on a Friday" in production.message(run)
    assert production.shop.ask("select to_regclass('public.notes')") == [(None,)]


def test_a_file_that_is_edited_after_the_question_is_not_what_was_approved(production: Production):
    production.shop.rehearse()
    run = production.promote()
    production.request(run, "ada")
    production.shop.edit("db/releases/20260104000100_settings_prod.sql", "select 1;\n")
    production.decide(run, "grace")
    assert production.ended(run) == "Failed"
    assert "overlay" in production.message(run)
    assert production.shop.ask("select to_regclass('public.notes')") == [(None,)]


@pytest.mark.parametrize("called", ["prod_promotion", "prod_promotion.fn"])
def test_called_in_a_process_of_its_own_it_is_refused_and_nothing_is_written(
    production: Production, called: str
):
    assert production.shop.rehearse().ok
    before = unchanged.seen(production.shop.admin_dsn)
    code = (
        "import sys; from flows.prod_promotion import prod_promotion;"
        "from ops.promotion_choices import PromotionChoices;"
        f"{called}(sys.argv[1], 'production', sys.argv[2], PromotionChoices(no_incident='no active incident'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, production.root, CONFIRMATION],
        cwd=fix_command.ROOT,
        env={**os.environ, "PREFECT_API_URL": production.stack.api},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    last = done.stderr.strip().splitlines()[-1]
    assert "'production' is guarded, and this run has no deployment" in last
    assert unchanged.seen(production.shop.admin_dsn) == before
