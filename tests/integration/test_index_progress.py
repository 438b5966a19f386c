"""How far an index is that is built without a transaction, while another session keeps it waiting."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

import psycopg

from ops import apply
from tests.faults.test_units import Base, base
from tests.polling import wait_until

__all__ = ["base"]
KEPT_WAITING = "insert into app.items values (100, 'a writer that has not ended', '2026-05-05')"
CREATE = "create index concurrently items_label_idx on app.items (label);"
Told = list[tuple[int, int, str]]


class Applying(threading.Thread):
    """Applies a file, and remembers what came of it and what it was told meanwhile."""

    def __init__(self, base: Base, text: str) -> None:
        super().__init__(daemon=True)
        self.told: Told = []
        self.outcome: apply.Outcome | None = None
        self._base, self._text = base, text
        base.target.progress = lambda done, whole, what: self.told.append((done, whole, what))

    def run(self) -> None:
        self.outcome = self._base.apply(self._text)


@contextmanager
def kept_waiting(base: Base) -> Generator[None]:
    with psycopg.connect(base.admin) as writer:
        writer.execute(KEPT_WAITING)
        yield
        writer.rollback()


def test_what_an_index_waits_for_and_that_it_is_done_is_told(base: Base):
    applying = Applying(base, CREATE)
    with kept_waiting(base):
        applying.start()
        wait_until(lambda: applying.told != [])
        assert applying.told[0] == (0, 1, "sessions of items_label_idx: waiting for writers before build")
        assert applying.is_alive()
    applying.join(60)
    assert applying.outcome
    assert applying.outcome.ok
    done, whole, _ = applying.told[-1]
    assert done == whole
    assert base.indexes() == ["items_day_idx", "items_label_idx"]


def test_an_index_that_is_cancelled_is_not_told_to_be_done(base: Base):
    applying = Applying(base, CREATE)
    with kept_waiting(base):
        applying.start()
        wait_until(lambda: applying.told != [])
        base.ask("select pg_cancel_backend(pid) from pg_stat_progress_create_index")
        wait_until(lambda: base.ask("select from pg_stat_progress_create_index") == [])
    applying.join(60)
    assert applying.outcome
    assert applying.outcome.failure
    assert applying.outcome.failure.sqlstate == "57014"
    assert {(done, whole) for done, whole, _ in applying.told} == {(0, 1)}


def test_nobody_who_looks_on_is_no_failure(base: Base):
    base.target = replace(base.target, observer_dsn="host=/nowhere dbname=none")
    applying = Applying(base, CREATE)

    def looking_on() -> list[threading.Thread]:
        return [each for each in threading.enumerate() if each.name == "index progress"]

    with kept_waiting(base):
        applying.start()
        wait_until(lambda: looking_on() != [])
        wait_until(lambda: looking_on() == [])
        assert applying.is_alive()
    applying.join(60)
    assert applying.outcome
    assert applying.outcome.ok
    assert applying.told == []
