"""Production that is guarded, four eyes and two people who prove their names, and an incident of it that acts."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from deployments.stack import Stack
from ops import people
from tests import fix_app, fix_gate, fix_pause, fix_switch
from tests.fix_gate import Gate
from tests.fix_storage_site import WHY, Site

PRODUCTION = "[environments.production]\n"
GUARDED = """\
guarded = true
four_eyes = true
audit_key = "file:{secrets}/key"
approvers = "file:{secrets}/approvers.json"
"""
SHORT = '[environments.production.checks]\nincident_span = "0.2 s"\n'
LOST = ("evidence", "a.txt")


@dataclass
class Incident(Gate):
    """An incident whose act waits at its gate, what it is started with, and how often it has acted."""

    deployment: str = ""
    chosen: dict[str, str] = field(default_factory=dict[str, str])
    acted: Callable[[], int] = int

    def guard(self) -> None:
        """Let production be guarded, and enrol two people."""
        self.secrets.mkdir(mode=0o700)
        (self.secrets / "key").write_text(fix_gate.KEY)
        for name in ("ada", "grace"):
            people.add(self.store, name, environment="production", now=datetime.now(UTC))
        config, lines = self.root / "runbooks.toml", GUARDED.format(secrets=self.secrets)
        config.write_text(config.read_text("utf-8").replace(PRODUCTION, PRODUCTION + lines, 1), "utf-8")

    def begin(self) -> UUID:
        """Start the incident with its act, and wait until it waits."""
        found = self.client.read_deployment_by_name(self.deployment)
        given = {"project": str(self.root), "environment": "production", **self.chosen}
        return self.waiting(self.client.create_flow_run_from_deployment(found.id, parameters=given).id)

    def result(self, run: UUID, name: str) -> dict[str, Any]:
        """Return what a run left as its result."""
        return fix_switch.result(self.root, self.read(run), name)

    def secret(self) -> list[str]:
        """Return what nobody may ever read: the seeds, and the key of the audit log."""
        return [fix_gate.KEY, *(each.seed for each in people.read(self.store).values())]

    def shown(self, run: UUID) -> str:
        """Return everything that a run has left in its bundle."""
        folder = self.root / "artifacts"
        texts = [each.read_bytes().decode("utf-8", "replace") for each in folder.rglob("*") if each.is_file()]
        return json.dumps(texts) + str(run)


MakeIncident = Callable[[Stack, str], Incident]


@pytest.fixture
def make_incident(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[MakeIncident]:
    """Return how an incident is made on a stack: `re-upload` of one lost object, or `read-only`."""
    with ExitStack() as clients:

        def make(stack: Stack, act: str) -> Incident:
            client = clients.enter_context(stack.client())
            if act == "re-upload":
                site: Site = request.getfixturevalue("storage_site")
                site.storage.file(*LOST).unlink()
                found = Incident(site.project, site.dsn, stack, client)
                found.deployment, found.acted = "incident-storage/production", lambda: site.storage.uploads
            else:
                found = Incident(_slow(request, tmp_path), request.getfixturevalue("shaped"), stack, client)
                found.deployment, found.acted = "incident-latency/production", lambda: _paused(found)
            found.chosen = {"act": act, "reason": WHY}
            found.guard()
            return found

        yield make


def _slow(request: pytest.FixtureRequest, folder: Path) -> Path:
    dsn = request.getfixturevalue("shaped")
    fix_app.execute(dsn, fix_pause.TABLES)
    fix_app.execute(request.getfixturevalue("shaped_admin"), "grant pg_monitor to postgres")
    project = fix_pause.write(folder, dsn)
    config = project / "runbooks.toml"
    config.write_text(config.read_text("utf-8") + SHORT, "utf-8")
    return project


def _paused(incident: Incident) -> int:
    events = fix_pause.site(incident.root, incident.dsn).read().events
    return [each.event for each in events].count("paused")
