"""The system's Chromium, and a page of it at the width of a laptop."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")
SHOTS = Path(__file__).parent.parent / "build" / "screenshots"
PATIENCE_MS = 60_000

Shoot = Callable[[Page, str], None]


@pytest.fixture(scope="session")
def browser() -> Generator[Browser]:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    assert found, "Chromium is not installed; .ci/run installs it."
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Generator[Page]:
    # So high that nothing is below it: the UI draws a list only where it can be seen.
    page = browser.new_page(viewport={"width": 1360, "height": 1800})
    page.set_default_timeout(PATIENCE_MS)
    yield page
    page.close()


@pytest.fixture
def shoot() -> Shoot:
    """Keep a picture in build/screenshots, for somebody to look at."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    return lambda page, name: page.screenshot(path=SHOTS / f"{name}.png") and None
