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

from ops import database, errors, project, startup
from ops.evidence import Evidence
from ops.project import Environment
from ops.startup_settings import Startup
from tests import fix_http, projects


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Generator[str]:
    handler = functools.partial(Quiet, directory=str(folder))
    with fix_http.serving(handler) as address:
        yield address


BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)


def environment(
    monkeypatch: pytest.MonkeyPatch, url: str, *, within: float = 0, zone: str | None = None
) -> Environment:
    monkeypatch.setenv("APP_LOG_URL", url)
    said = Startup(
        log_url="env:APP_LOG_URL",
        log_says="guard passed",
        log_timezone=zone,
        within=timedelta(seconds=within),
    )
    return Environment(name="production", startup=said)


def checked(
    shaped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: str, *, zone: str | None = None
) -> Evidence:
    (tmp_path / "app.log").write_text(log)
    with database.connect(shaped) as connection, served(tmp_path) as address:
        where = environment(monkeypatch, f"{address}/app.log", zone=zone)
        return startup.check(connection, where, since=BEGAN)


def test_a_log_says_when_the_app_has_started(shaped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    not_yet = checked(shaped, tmp_path, monkeypatch, "2026-01-31T12:00:01Z starting\n")
    assert (not_yet.ok, "does not say 'guard passed'" in not_yet.summary) == (False, True)
    log = "2026-01-31T12:00:01Z starting\n2026-01-31T12:00:02Z schema guard passed\n"
    found = checked(shaped, tmp_path, monkeypatch, log)
    assert (found.ok, found.summary) == (
        True,
        "The app works: the log says 'guard passed' at 2026-01-31 12:00:02 UTC.",
    )


def test_a_log_that_is_not_there_says_nothing(shaped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with database.connect(shaped) as connection, served(tmp_path) as address:
        where = environment(monkeypatch, f"{address}/other.log")
        assert "answers 404" in startup.check(connection, where, since=BEGAN).summary


def test_a_start_from_before_the_promotion_is_none(
    shaped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    old = "2026-01-31T11:59:59.999Z schema guard passed\n"
    found = checked(shaped, tmp_path, monkeypatch, f"{old}2026-01-31T12:00:05Z starting\n")
    assert not found.ok
    assert "only from before the promotion began at 2026-01-31 12:00:00 UTC, last at 2026-01-31 11:59:59" in (
        found.summary
    )
    # A second line of an old one is as old; that of a new one is as new.
    assert not checked(shaped, tmp_path, monkeypatch, f"{old}  schema guard passed\n").ok
    assert checked(
        shaped, tmp_path, monkeypatch, f"{old}2026-01-31T12:00:00Z up:\n  schema guard passed\n"
    ).ok


@pytest.mark.parametrize(
    "log",
    [
        "schema guard passed\n",
        "2026-01-31 12:00:05 guard passed\n",
        "guard passed; next at 2030-01-01T00:00:00Z\n",
    ],
)
def test_a_log_of_which_nobody_knows_when_proves_nothing(
    shaped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: str
):
    found = checked(shaped, tmp_path, monkeypatch, log)
    assert not found.ok
    assert "no line has a time with its zone" in found.summary
    assert "log_timezone" in found.summary


def test_the_zone_of_a_log_can_be_said(shaped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    log = "2026-01-31 12:30:00,123 INFO guard passed\n"
    assert checked(shaped, tmp_path, monkeypatch, log, zone="UTC").ok
    assert not checked(shaped, tmp_path, monkeypatch, log, zone="Europe/Berlin").ok


def test_it_is_asked_again_until_the_app_had_its_time(
    shaped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    log = tmp_path / "app.log"
    log.write_text("")
    with database.connect(shaped) as connection, served(tmp_path) as address:
        where = environment(monkeypatch, f"{address}/app.log", within=60)
        later = threading.Timer(1, log.write_text, ["2026-01-31T12:00:01Z schema guard passed\n"])
        later.start()
        assert startup.check(connection, where, since=BEGAN).ok
        later.join()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('log_url = "env:LOG"', "would prove nothing"),
        ('log_url = "env:LOG"\nlog_says = "  "', "would prove nothing"),
        ('log_says = "guard passed"', "no log_url where it could be read"),
        ('log_url = "env:LOG"\nlog_says = "up"\nlog_timezone = "Mars"', "'Mars' is no time zone"),
    ],
)
def test_a_log_that_could_prove_nothing_is_refused(tmp_path: Path, more: str, said: str):
    config = f"[environments.production]\n[environments.production.startup]\n{more}\n"
    root = projects.write(tmp_path, migrations={}, config=config)
    with pytest.raises(errors.Refused, match=said):
        project.load(root)


def test_what_is_not_configured_is_not_known(shaped: str):
    with database.connect(shaped) as connection:
        found = startup.check(connection, Environment(name="production"), since=datetime.now(UTC))
    assert (found.ok, found.idle) == (True, True)
