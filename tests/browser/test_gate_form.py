"""The gate as the operator on call sees it: the Resume form of the real Prefect UI."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.fix_browser import Shoot
from tests.fix_gate import Gate

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


def open_form(page: Page, gate: Gate, run: object) -> None:
    page.goto(gate.stack.run_page(run))
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="Resume").click()
    page.locator(".p-modal__card").wait_for()


def fill(page: Page, *texts: str, decision: str = "") -> None:
    form = page.locator(".p-modal__card")
    if decision:
        form.locator(".p-select-button__control").click()
        page.keyboard.press("ArrowDown")
        page.locator(".p-select-option", has_text=decision).click()
    for number, text in enumerate(texts):
        form.locator("textarea").nth(number).fill(text)
    form.get_by_role("button", name="Submit").click()


def visible(page: Page, said: str) -> None:
    question = page.locator(".p-modal__card").get_by_text(said, exact=False).last
    expect(question).to_be_visible()
    box = question.bounding_box()
    assert box is not None
    assert box["height"] > 10, "Prefect's form has squeezed the question out of sight"


def why_it_ended(page: Page, gate: Gate, run: object, said: str) -> None:
    """Open the run that was not approved: its graph has the red step, and the first of its artifacts says why."""
    page.goto(gate.stack.run_page(run))
    page.wait_for_load_state("networkidle")
    expect(page.get_by_text("Rejected").first).to_be_visible()
    page.get_by_text("Artifacts", exact=True).first.click()
    why = page.get_by_text(said, exact=False).first
    expect(why).to_be_visible()
    box = why.bounding_box()
    assert box
    assert box["y"] + box["height"] < page.evaluate("window.innerHeight")


def test_a_plan_is_asked_for_read_and_approved(gate: Gate, page: Page, shoot: Shoot):
    gate.configure(four_eyes=True)
    run = gate.start()
    open_form(page, gate, run)
    visible(page, "Who asks for: keep on production?")
    shoot(page, "gate-request")
    fill(page, "ada", gate.code("ada"))
    expect(page.get_by_text("Flow run resumed").first).to_be_visible()
    gate.taken_up(run)

    open_form(page, gate, run)
    visible(page, "ada asks for it")
    shoot(page, "gate-decision")
    address = page.locator(".p-modal__card").get_by_role("link", name="read all of it").get_attribute("href")
    assert address is not None
    page.goto(address)
    expect(page.get_by_text("a change", exact=False).first).to_be_visible()
    shoot(page, "gate-plan")

    open_form(page, gate, run)
    page.locator(".p-modal__card").get_by_role("button", name="Submit").click()
    expect(page.get_by_text("is a required property", exact=False).first).to_be_visible()
    shoot(page, "gate-empty")
    fill(page, "grace", "000000", decision="approve")
    gate.taken_up(run)

    open_form(page, gate, run)
    visible(page, "the name grace or its code is not right. 2 more, then the gate closes.")
    shoot(page, "gate-mistyped")
    fill(page, "grace", gate.code("grace"), "looks right", decision="approve")
    assert gate.ended(run) == "Completed"
    assert gate.kept() == [str(run)]
    page.goto(gate.stack.run_page(run))
    page.wait_for_load_state("networkidle")
    page.get_by_text("Artifacts", exact=True).first.click()
    expect(page.get_by_text("approved by grace", exact=False).first).to_be_visible()
    shoot(page, "gate-approved")


def test_a_rejection_is_seen_with_its_reason(gate: Gate, page: Page, shoot: Shoot):
    run = gate.start()
    open_form(page, gate, run)
    fill(page, "grace", gate.code("grace"), "not on a Friday", decision="reject")
    assert gate.ended(run) == "Rejected"
    why_it_ended(page, gate, run, "rejected by grace: not on a Friday")
    shoot(page, "gate-rejected")


def test_three_mistyped_codes_close_the_gate_and_the_run_says_why(gate: Gate, page: Page, shoot: Shoot):
    run = gate.start()
    open_form(page, gate, run)
    for left in (2, 1):
        fill(page, "grace", "000000", decision="approve")
        gate.taken_up(run)
        open_form(page, gate, run)
        visible(page, f"the name grace or its code is not right. {left} more, then the gate closes.")
        shoot(page, f"gate-mistyped-{left}-left")
    fill(page, "grace", "000000", decision="approve")
    assert gate.ended(run) == "Rejected"

    why_it_ended(page, gate, run, "closed after 3 answers that were not right")
    expect(page.get_by_text("the name grace or its code is not right", exact=False).first).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_have_count(0)
    shoot(page, "gate-closed")
    assert gate.kept() == []
