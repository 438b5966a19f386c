"""Whether an app has started, by its log: it says so, it does not yet, and it cannot be read."""

from __future__ import annotations

import functools
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from ops import database, startup
from ops.project import Environment
from ops.startup_settings import Startup
from tests import fix_http


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Generator[str]:
    handler = functools.partial(Quiet, directory=str(folder))
    with fix_http.serving(handler) as address:
        yield address


def environment(monkeypatch: pytest.MonkeyPatch, url: str, *, within: float = 0) -> Environment:
    monkeypatch.setenv("APP_LOG_URL", url)
    said = Startup(log_url="env:APP_LOG_URL", log_says="guard passed", within=timedelta(seconds=within))
    return Environment(name="production", startup=said)


def test_a_log_says_when_the_app_has_started(shaped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    log = tmp_path / "app.log"
    log.write_text("starting\n")
    with database.connect(shaped) as connection, served(tmp_path) as address:
        where = environment(monkeypatch, f"{address}/app.log")
        not_yet = startup.check(connection, where, since=datetime.now(UTC))
        assert (not_yet.ok, "does not say 'guard passed'" in not_yet.summary) == (False, True)
        log.write_text("starting\nschema guard passed\n")
        assert startup.check(connection, where, since=datetime.now(UTC)).ok
        where = environment(monkeypatch, f"{address}/other.log")
        assert "answers 404" in startup.check(connection, where, since=datetime.now(UTC)).summary


def test_it_is_asked_again_until_the_app_had_its_time(
    shaped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    log = tmp_path / "app.log"
    log.write_text("")
    with database.connect(shaped) as connection, served(tmp_path) as address:
        where = environment(monkeypatch, f"{address}/app.log", within=60)
        later = threading.Timer(1, log.write_text, ["schema guard passed\n"])
        later.start()
        assert startup.check(connection, where, since=datetime.now(UTC)).ok
        later.join()


def test_what_is_not_configured_is_not_known(shaped: str):
    with database.connect(shaped) as connection:
        found = startup.check(connection, Environment(name="production"), since=datetime.now(UTC))
    assert (found.ok, found.idle) == (True, True)
