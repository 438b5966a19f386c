"""A database that is really set back to an earlier state while its record goes on, and who answers at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import rich.prompt
from prefect.client.schemas.objects import State

from flows.prod_restore import prod_restore
from ops import embedded, errors
from ops.prod_restore import RestoreChoices
from ops.prod_restore_end import ProdRestore

REASON = "somebody has deleted all notes"
_SESSIONS = (
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and pid <> pg_backend_pid()"
)


class Past:
    """A copy of a database as it was at `at`, to which it can be set back as often as a test likes."""

    def __init__(self, server: embedded.Server, name: str) -> None:
        self._server, self._name = server, name
        self._copy = f"{name}_past"
        self.at = datetime.now(UTC)
        self._free()
        embedded.create_database(server, self._copy, template=name)

    def come_back(self) -> None:
        """Set the database back, as a restore to a point in time in place does."""
        self._free()
        embedded.drop_database(self._server, self._name)
        embedded.create_database(self._server, self._name, template=self._copy)

    def forget(self) -> None:
        embedded.drop_database(self._server, self._copy)

    def _free(self) -> None:
        dsn = self._server.dsn(user=self._server.superuser)
        with psycopg.connect(dsn, autocommit=True) as admin:
            admin.execute(_SESSIONS, (self._name,))


def answering(monkeypatch: pytest.MonkeyPatch, *answers: tuple[str, str, str]) -> list[str]:
    """Answer at each gate with a decision, a name and a note; return the questions as they are asked."""
    asked: list[str] = []
    left: Iterator[str] = iter([word for answer in answers for word in answer])

    def ask(question: str, **_: Any) -> str:
        asked.append(question)
        return next(left)

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(rich.prompt.Prompt, "ask", ask)
    return asked


def run(project: Path, target: datetime | str, **choices: Any) -> ProdRestore:
    """Run the restore in this process; raises Denied where somebody has said no."""
    said = target if isinstance(target, str) else target.isoformat()
    chosen = RestoreChoices.model_validate(choices)
    found = prod_restore.fn(str(project), "production", said, REASON, chosen)
    if isinstance(found, State):
        raise errors.Denied(found.message or "")
    return found


def note(done: datetime | None = None, ticket: str = "SU-4711") -> str:
    """Return what is noted at the gate of a ticket."""
    at = (done or datetime.now(UTC)).isoformat(timespec="seconds").replace("+00:00", "Z")
    return f"ticket={ticket} opened={at} confirmed={at} done={at}"
