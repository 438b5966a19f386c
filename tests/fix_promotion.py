"""A guarded production with enrolled people, and a shop to be promoted to it through a real Prefect."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterId,
)
from prefect.client.schemas.sorting import ArtifactSort

from deployments.stack import Stack
from ops import bundle, people
from ops.promotion_result import Promotion
from tests import fix_gate, fix_repository, projects
from tests.fix_gate import Gate
from tests.releases import CONFIRMATION, Shop, configured

_GUARDED = """\
guarded = true
four_eyes = true
audit_key = "file:{secrets}/key"
approvers = "file:{secrets}/approvers.json"
notify = "file:{secrets}/webhook"
break_glass = true
"""


class Production(Gate):
    """The shop, its guarded production, and those who ask and decide."""

    shop: Shop

    def promote(self, confirmation: str = CONFIRMATION, **choices: Any) -> UUID:
        """Start a promotion and wait until it waits or ends."""
        return self.waiting(self.begin(confirmation, **choices))

    def begin(self, confirmation: str = CONFIRMATION, **choices: Any) -> UUID:
        """Start a promotion."""
        chosen = {"no_incident": "no active incident", **choices}
        return self._begin("prod-promotion/production", confirmation=confirmation, choices=chosen)

    def run(self, deployment: str, **parameters: Any) -> UUID:
        return self.waiting(self._begin(deployment, **parameters))

    def _begin(self, deployment: str, **parameters: Any) -> UUID:
        found = self.client.read_deployment_by_name(deployment)
        given = {"project": str(self.root), "environment": "production", **parameters}
        return self.client.create_flow_run_from_deployment(found.id, parameters=given).id

    def result(self, run: UUID) -> Promotion:
        folder = bundle.of_run(self.root, str(run))
        if folder is None:
            raise LookupError(f"{run} left no bundle: {self.message(run)}")
        return Promotion.read((folder / "promotion.json").read_text("utf-8"))

    def rows(self, run: UUID, key: str) -> list[dict[str, Any]]:
        """Return the lines of all the tables that a run shows under this key, the oldest first."""
        shown = self.client.read_artifacts(
            artifact_filter=ArtifactFilter(
                flow_run_id=ArtifactFilterFlowRunId(any_=[run]), key=ArtifactFilterKey(any_=[key])
            ),
            sort=ArtifactSort.CREATED_DESC,
        )
        return [row for each in reversed(shown) for row in json.loads(str(each.data))]

    def steps(self, run: UUID) -> list[str]:
        """Return the titles of the task runs of a run."""
        filtered = FlowRunFilter(id=FlowRunFilterId(any_=[run]))
        return [each.name for each in self.client.read_task_runs(flow_run_filter=filtered, limit=200)]


MakeGuarded = Callable[..., Production]


@pytest.fixture
def make_guarded(
    tmp_path: Path, shaped: str, shaped_admin: str, monkeypatch: pytest.MonkeyPatch
) -> Generator[MakeGuarded]:
    with ExitStack() as clients:

        def make(stack: Stack, dsn: str = shaped, admin: str = shaped_admin) -> Production:
            return _guarded(stack, Shop(tmp_path / "shop", dsn, monkeypatch, admin=admin), clients)

        yield make


@pytest.fixture
def production(stack: Stack, make_guarded: MakeGuarded) -> Production:
    return make_guarded(stack)


def _guarded(stack: Stack, shop: Shop, clients: ExitStack) -> Production:
    found = Production(shop.root, shop.dsn, stack, clients.enter_context(stack.client()))
    found.shop = shop
    found.secrets.mkdir(mode=0o700)
    (found.secrets / "dsn").write_text(shop.dsn)
    (found.secrets / "key").write_text(fix_gate.KEY)
    (found.secrets / "webhook").write_text(clients.enter_context(fix_gate.webhook(found.told)))
    for name in ("ada", "grace", "linus", "edsger"):
        people.add(found.store, name, environment="production", now=datetime.now(UTC))
    (found.secrets / "approvers.json").chmod(0o600)
    text = configured(_GUARDED.format(secrets=found.secrets), 'backup_query = "select now()"')
    projects.write(
        shop.root, migrations={}, config=text.replace("env:PRODUCTION_URL", f"file:{found.secrets}/dsn")
    )
    fix_repository.committed(shop.root)
    return found
