"""How far an index is that is built without a transaction: seen from another session, since its own is busy.

Source: staging-rehearsal.md, section 5. It may take hours, and waits for the transactions of others meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

import psycopg

from ops import database, errors, queries
from ops.backups import Progress
from ops.statements import Statement
from ops.target import Target

_BUILDING = frozenset({"index_stmt", "reindex_stmt"})
# Seconds. What is sooner over needs no login that looks on.
_EVERY = 1.0
_PATIENCE = 5.0


@contextmanager
def shown(connection: database.Connection, target: Target, statement: Statement) -> Generator[None]:
    """Tell the target's progress how far the index is that this statement builds; whatever fails here is no failure."""
    if target.progress is None or statement.kind not in _BUILDING:
        yield
        return
    look_on = _LookOn(target, target.progress, connection.info.backend_pid)
    look_on.start()
    try:
        yield
    except BaseException:
        look_on.stop()
        raise
    look_on.stop()
    look_on.finish()


class _LookOn(threading.Thread):
    """Asks again and again while the statement runs."""

    def __init__(self, target: Target, progress: Progress, pid: int) -> None:
        super().__init__(name="index progress", daemon=True)
        self._target = target
        self._progress = progress
        self._pid = pid
        self._over = threading.Event()
        self._last: tuple[str, int] | None = None

    def run(self) -> None:
        if self._over.wait(_EVERY):
            return
        try:
            name = f"{self._target.run} (observer)"
            with database.connect(self._target.observer_dsn, application=name) as connection:
                while True:
                    self._look(connection)
                    if self._over.wait(_EVERY):
                        return
        except (errors.OpsError, psycopg.Error):
            return

    def stop(self) -> None:
        """End it; one that hangs is left behind."""
        self._over.set()
        self.join(_PATIENCE)

    def finish(self) -> None:
        """Show what was begun last as done."""
        if self._last:
            what, whole = self._last
            self._progress(whole, whole, what)

    def _look(self, connection: database.Connection) -> None:
        found = connection.execute(queries.load("apply/index_progress"), {"pid": self._pid}).fetchone()
        if found is None:
            return
        index, phase, done, total, unit = found
        what = f"{unit} of {index}: {phase}"
        if not total or self._over.is_set():
            return
        if self._last and self._last[0] != what:
            self.finish()
        if self._last is None or self._last[0] != what:
            self._last = (what, int(total))
        whole = self._last[1]
        self._progress(min(int(done), whole), whole, what)
