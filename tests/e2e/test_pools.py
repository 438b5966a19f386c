"""Work pools made on a real Prefect server from their configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployments.stack import Stack
from tests import fix_command

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
POOLS = """\
pools:
  - name: containers
    type: docker
    queues: {{default: {limit}, care: 1}}
    job_variables: {{image: supabase-runbooks}}
  - name: jobs
    type: {kind}
    job_variables: {{env: {{A: b}}}}
"""


def test_pools_are_made_with_their_limits_and_brought_up_to_date(stack: Stack, tmp_path: Path):
    file = tmp_path / "pools.yaml"

    def made(limit: int, kind: str = "kubernetes") -> tuple[int, str]:
        file.write_text(POOLS.format(limit=limit, kind=kind), "utf-8")
        done = fix_command.run("scale", "pools", "--pools", file, PREFECT_API_URL=stack.api)
        return done.returncode, done.stdout + done.stderr

    for limit in (3, 5):
        assert made(limit) == (0, "containers (docker)\njobs (kubernetes)\n")
        with stack.client() as client:
            pool = client.read_work_pool("containers")
            queues = {queue.name: queue.concurrency_limit for queue in client.read_work_queues("containers")}
        assert pool.base_job_template["variables"]["properties"]["image"]["default"] == "supabase-runbooks"
        assert queues == {"default": limit, "care": 1}
    code, said = made(5, "process")
    assert code == 2
    assert "There is a work pool jobs of the type kubernetes, which cannot become process" in " ".join(
        said.split()
    )
