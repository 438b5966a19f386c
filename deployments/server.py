"""The Prefect server that the user has set, as a profile or PREFECT_API_URL says."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.utilities.urls import url_for

from ops import errors


@dataclass(frozen=True)
class Server:
    """What a local stack is too: somewhere runs are started, followed and looked at."""

    def client(self) -> SyncPrefectClient:
        """Return a client of this server."""
        return get_client(sync_client=True)

    def run_page(self, flow_run: object) -> str:
        return url_for("flow-run", obj_id=UUID(str(flow_run))) or ""


def reached() -> Server:
    """Return the server, if it answers.

    Raises:
        Unavailable: it does not.
    """
    server = Server()
    with server.client() as client:
        if client.api_healthcheck() is None:
            return server
    raise errors.Unavailable(
        "No Prefect server answers, so no runbook can be started. Set PREFECT_API_URL, or start one: runbooks up."
    )
