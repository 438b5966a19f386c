"""A guarded environment with people, and what they type."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pyotp.totp import TOTP

from ops import gatekeeper, people
from ops.approval import Given
from ops.gatekeeper import Gatekeeper
from ops.project import Environment
from ops.proposal import Proposal


class Site:
    """A guarded environment with people, and what they type."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, dsn: str) -> None:
        monkeypatch.setenv("PRODUCTION", dsn)
        monkeypatch.setenv("AUDIT_KEY", "a-fake-key-for-tests")
        self.root = root / "shop"
        self.root.mkdir(exist_ok=True)
        self.dsn = dsn
        self.environment = Environment(
            name="production",
            database="env:PRODUCTION",
            audit_key="env:AUDIT_KEY",
            approvers=f"file:{root / 'approvers.json'}",
            guarded=True,
            four_eyes=True,
        )
        for name in ("ada", "grace", "linus"):
            people.add(self.environment.approvers, name, environment="production", now=datetime.now(UTC))

    def change(self, **said: Any) -> None:
        self.environment = self.environment.model_copy(update=said)

    def open(
        self, run: str = "run", plan: str = "a" * 64, gate: str = "promote", *, suspends: bool = True
    ) -> AbstractContextManager[Gatekeeper]:
        proposal = Proposal(gate, self.environment, self.root, plan, "One migration.", "# The plan")
        return gatekeeper.opened(proposal, run, suspends=suspends)

    def code(self, name: str, at: datetime) -> str:
        return TOTP(people.read(self.environment.approvers)[name].seed).at(at)

    def given(
        self, key: str, name: str, decision: str = "", at: datetime | None = None, **more: Any
    ) -> Given:
        at = at or datetime.now(UTC)
        who = {"decision": decision, "approver": name} if decision else {"requester": name}
        return Given(key, at, {**who, "code": self.code(name, at), **more})

    def rows(self) -> list[tuple[str, str]]:
        with psycopg.connect(self.dsn) as connection:
            return connection.execute("select event, actor from runbooks.audit_log order by id").fetchall()
