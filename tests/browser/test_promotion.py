"""A promotion as people see it: started in the form, the plan read and approved there, and its verdict."""

from __future__ import annotations

from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_gate_form import fill, open_form, visible
from tests.fix_browser import Shoot
from tests.fix_promotion import Production
from tests.polling import wait_until
from tests.releases import CONFIRMATION

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


def test_a_promotion_is_started_approved_and_read_in_the_ui(production: Production, page: Page, shoot: Shoot):
    assert production.shop.rehearse().ok
    deployment = production.client.read_deployment_by_name("prod-promotion/production")
    page.goto(f"{production.stack.address}/deployments/deployment/{deployment.id}/run")
    page.wait_for_load_state("networkidle")
    expect(page.get_by_text("The words CONFIRM PRODUCTION DEPLOYMENT, exactly.")).to_be_visible()
    for number, text in ((0, str(production.root)), (2, CONFIRMATION), (3, "no active incident")):
        page.locator("textarea").nth(number).fill(text)
    shoot(page, "promotion-start")
    page.get_by_role("button", name="Submit").click()
    run = _started(production)

    open_form(page, production, run)
    visible(page, "Who asks for: promote on production?")
    fill(page, "ada", production.code("ada"))
    production.taken_up(run)
    open_form(page, production, run)
    visible(page, "ada asks for it")
    shoot(page, "promotion-decision")
    address = page.locator(".p-modal__card").get_by_role("link", name="read all of it").get_attribute("href")
    assert address is not None
    page.goto(address)
    expect(page.get_by_text("Files, in their order").first).to_be_visible()
    shoot(page, "promotion-plan")
    open_form(page, production, run)
    fill(page, "grace", production.code("grace"), "rehearsed on Monday", decision="approve")
    assert production.ended(run) == "Completed", production.message(run)

    page.goto(production.stack.run_page(run))
    page.wait_for_load_state("networkidle")
    shoot(page, "promotion-run")
    page.get_by_text("Artifacts", exact=True).first.click()
    expect(
        page.get_by_text("promoted; 5 files applied in this run, everything proven", exact=False).first
    ).to_be_visible()
    shoot(page, "promotion-artifacts")


def _started(production: Production) -> UUID:
    """Wait until the run that was started in the form waits for an answer."""

    def waits() -> bool:
        return any(
            production.question(run.id)
            for run in production.client.read_flow_runs()
            if run.name == _name(production)
        )

    wait_until(waits, seconds=120)
    found = next(run for run in production.client.read_flow_runs() if run.name == _name(production))
    return production.waiting(found.id)


def _name(production: Production) -> str:
    return f"Promote {production.root} to production"
