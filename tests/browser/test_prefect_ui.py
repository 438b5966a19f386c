"""What an operator sees of a rehearsal in the Prefect UI, in a real browser."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, TimeoutError, expect

from tests import projects
from tests.fix_browser import Shoot
from tests.fix_stack import PATIENCE, RUNBOOK, Desk, Run
from tests.polling import wait_until

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


def open_run(page: Page, run: Run, tab: str | None = None) -> None:
    page.goto(run.desk.stack.run_page(run.id))
    if tab:
        # The page draws what it has, then what the server says: a click between the two is lost.
        page.wait_for_load_state("networkidle")
        page.get_by_text(tab, exact=True).first.click()
        page.wait_for_load_state("networkidle")


def open_artifact(page: Page, said: str, *, exact: bool = False) -> None:
    """Click until it is open: the list may be drawn anew under the click."""

    def is_open() -> bool:
        with suppress(TimeoutError):
            page.get_by_text(said, exact=exact).first.click(timeout=5000)
            page.wait_for_url("**/artifacts/artifact/**", timeout=5000)
        return "/artifacts/artifact/" in page.url

    wait_until(is_open, seconds=PATIENCE)


def deployment_page(desk: Desk) -> str:
    with desk.stack.client() as client:
        return f"{desk.stack.address}/deployments/deployment/{client.read_deployment_by_name(RUNBOOK).id}"


def test_a_run_reads_as_the_runbook_and_shows_its_evidence(
    desk: Desk, page: Page, shoot: Shoot, tmp_path: Path
):
    run = desk.rehearse(projects.sound(tmp_path))
    open_run(page, run, "Task Runs")
    expect(page.get_by_text(f"Rehearse {tmp_path} on throw-away").first).to_be_visible()
    expect(page.get_by_text("Completed").first).to_be_visible()
    for title in ("Hand off", "Check RLS coverage", "Check the contract"):
        expect(page.get_by_text(title, exact=True).first).to_be_visible()
    page.get_by_placeholder("Search by run name").fill(projects.TAGS)
    for title in (f"Apply {projects.TAGS}.sql", f"Prove the rollback of {projects.TAGS}.sql"):
        expect(page.get_by_text(title, exact=True).first).to_be_visible()
    shoot(page, "task-runs")

    page.get_by_text("Artifacts", exact=True).first.click()
    for key in ("verdict", "inventory", "rls-coverage"):
        expect(page.get_by_text(key, exact=True).first).to_be_visible()
    shoot(page, "artifacts")
    open_artifact(page, "verdict", exact=True)
    expect(page.get_by_role("heading", name="PASSED")).to_be_visible()
    expect(page.get_by_role("cell", name=f"supabase/migrations/{projects.TAGS}.sql")).to_be_visible()
    shoot(page, "verdict")


def test_a_failed_run_says_where_to_look(desk: Desk, page: Page, shoot: Shoot, tmp_path: Path):
    run = desk.rehearse(projects.leaving_rollback(tmp_path))
    open_run(page, run, "Artifacts")
    expect(page.get_by_text("Failed").first).to_be_visible()
    open_artifact(page, "its rollback ran and does not restore")
    expect(page.get_by_text("public.slug(text)", exact=True)).to_be_visible()
    shoot(page, "rollback-that-differs")


def test_a_run_is_started_from_the_form(desk: Desk, page: Page, shoot: Shoot, tmp_path: Path):
    project = projects.plain(tmp_path)
    page.goto(f"{deployment_page(desk)}/run")
    for said in ("project", "environment (Optional)", "Database (Optional)", "Keep Going (Optional)"):
        expect(page.get_by_text(said, exact=True)).to_be_visible()
    expect(page.get_by_text("What to rehearse and how strictly.")).to_be_visible()
    labels = page.get_by_text("(Optional)").all_inner_texts()
    assert labels.index("Database (Optional)") < labels.index("Everything (Optional)")
    shoot(page, "run-form")

    page.locator("textarea").nth(0).fill(str(project))
    page.get_by_role("button", name="Submit").click()
    name = f"Rehearse {project} on throw-away"
    wait_until(lambda: name in desk.names(), seconds=PATIENCE)
    page.goto(desk.stack.run_page(desk.names()[name]))
    expect(page.get_by_text(name).first).to_be_visible()
    expect(page.get_by_text("Completed").first).to_be_visible()


def test_the_runbook_is_explained_where_it_is_started(desk: Desk, page: Page, shoot: Shoot):
    page.goto(deployment_page(desk))
    page.get_by_text("Description", exact=True).click()
    for stanza in ("When", "Needs", "Touches", "If it stops halfway"):
        expect(page.locator(".markdown-renderer__text--strong", has_text=stanza)).to_be_visible()
    shoot(page, "description")


def test_a_question_is_answered_in_the_form(desk: Desk, page: Page, shoot: Shoot, tmp_path: Path):
    project = projects.failing_migration(tmp_path)
    (project / "runbooks.toml").write_text('[environments.throw-away]\non_failure = "ask"\n', "utf-8")
    run = desk.rehearse(project)
    assert run.state == "Suspended"
    open_run(page, run)
    page.get_by_role("button", name="Resume").click()
    question = page.get_by_text('relation "public.labels" does not exist', exact=False).last
    expect(question).to_be_visible()
    box = question.bounding_box()
    assert box is not None
    assert box["height"] > 10, "Prefect's form has squeezed the question out of sight"
    shoot(page, "question")

    form = page.locator(".p-modal__card")
    form.locator(".p-select-button__control").click()
    page.keyboard.press("ArrowDown")
    page.locator(".p-select-option", has_text="stop").click()
    form.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("Flow run resumed").first).to_be_visible()
    desk.wait_for(run.id, "Failed")
