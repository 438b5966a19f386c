"""The attempt log: one JSON line as each step begins and as it ends, and so where a run was killed.

What a step tries again inside (a migration after a lock timeout) is logged where that happens, by `LOGGER`.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime

from ops.bundle import Bundle
from ops.evidence import Evidence

LOGGER = logging.getLogger("runbooks.attempts")


class AttemptLog:
    """Writes what the steps of one attempt do to `mcp_attempt<n>.jsonl` of its bundle."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._title = ""
        self.name = f"mcp_attempt{bundle.attempt}.jsonl"

    def started(self, title: str) -> None:
        self._title = title
        self._write("started", title)

    def tried(self, said: str) -> None:
        """Write that the step that is running has tried something in vain, and tries again."""
        self._write("attempt", self._title, ok=False, summary=said)

    def finished(self, title: str, evidence: Evidence, seconds: float) -> None:
        self._write("finished", title, ok=evidence.ok, summary=evidence.summary, seconds=round(seconds, 4))

    def failed(self, title: str, error: BaseException, seconds: float) -> None:
        self._write(
            "failed",
            title,
            ok=False,
            error=type(error).__name__,
            summary=str(error),
            seconds=round(seconds, 4),
        )

    def _write(self, event: str, title: str, **facts: object) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._bundle.append(self.name, {"at": at, "event": event, "step": title, **facts})


@contextmanager
def kept(bundle: Bundle) -> Generator[AttemptLog]:
    """Write an attempt log as long as the block runs, with what `LOGGER` is told meanwhile."""
    log = AttemptLog(bundle)
    handler = _Tried(log)
    LOGGER.addHandler(handler)
    try:
        yield log
    finally:
        LOGGER.removeHandler(handler)


class _Tried(logging.Handler):
    def __init__(self, log: AttemptLog) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.tried(record.getMessage())
