"""What every Prefect of ours is set to, and what it deploys: the settings, the work pool, prefect.yaml."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import certifi
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker

from ops import errors, secrets

POOL = "runbooks"


def settings(root: Path, home: Path, address: str) -> dict[str, str]:
    """Return the settings of a server at this address and of all who talk to it."""
    return {
        "RUNBOOKS_HOME": str(root),
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"{address}/api",
        "PREFECT_API_SSL_CERT_FILE": str(_one_authority(home)),
        "PREFECT_SERVER_UI_API_URL": f"{address}/api",
        # The approval form and the Resume button are on the page of the first UI only.
        "PREFECT_SERVER_UI_V2_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    }


def _one_authority(home: Path) -> Path:
    """Write a file with one certificate authority.

    The address is plain HTTP, and every client that Prefect makes reads all authorities of the world first: a third of
    the processor's time of a deployment, and a tenth of that of a short run.
    """
    path, end = home / "authority.pem", "-----END CERTIFICATE-----"
    path.write_text(Path(certifi.where()).read_text("utf-8").split(end)[0] + f"{end}\n", "utf-8")
    return path


def template() -> dict[str, Any]:
    """Return Prefect's template of a pool of processes, with this Python as what runs them."""
    made = ProcessWorker.get_default_base_job_template()
    # Without a command the worker starts a second Python for each run, which sees to the first: a third of a short run.
    made["variables"]["properties"]["command"]["default"] = shlex.join(
        (sys.executable, "-m", "prefect.engine")
    )
    return made


def make_pool(client: SyncPrefectClient) -> None:
    """Make the work pool, or let the one that is there start runs with this Python; its limits are an operator's."""
    try:
        client.read_work_pool(POOL)
    except ObjectNotFound:
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=template()))
        return
    client.update_work_pool(POOL, WorkPoolUpdate(base_job_template=template()))


def deploy(root: Path, environment: Mapping[str, str], *, file: Path | None = None) -> None:
    """Deploy everything in `prefect.yaml` of `root`, or in another file of that kind.

    Raises:
        Unavailable: it could not; the message has what Prefect said.
    """
    named = ("--prefect-file", str(file)) if file else ()
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", *named],
        cwd=root,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = secrets.redact(done.stdout + done.stderr)
        raise errors.Unavailable(
            f"{file or 'prefect.yaml'} could not be deployed, so no runbook can run: {said}"
        )
