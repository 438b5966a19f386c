"""The attempt log: one JSON line as each step begins and as it ends, and so where a run was killed."""

from __future__ import annotations

from datetime import UTC, datetime

from ops.bundle import Bundle
from ops.evidence import Evidence


class AttemptLog:
    """Writes what the steps of one attempt do to `mcp_attempt<n>.jsonl` of its bundle."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self.name = f"mcp_attempt{bundle.attempt}.jsonl"

    def started(self, title: str) -> None:
        self._write("started", title)

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
