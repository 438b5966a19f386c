"""`runbooks scale`: whether several servers are one, and the work pools of several machines."""

from __future__ import annotations

import os
from pathlib import Path

from deployments import installation, scale_check, server
from deployments import pools as work_pools


def check(env_file: Path | None, pools: Path) -> int:
    """Print a line for each thing that was looked at; 1 where one is wrong."""
    given = installation.variables(env_file) if env_file else {}
    found = list(scale_check.look({**os.environ, **given}, installation.ROOT / pools))
    for each in found:
        print(f"{'ok  ' if each.ok else 'FAIL'} {each.said}", flush=True)
    return 0 if all(each.ok for each in found) else 1


def pools(file: Path) -> int:
    """Make each pool, and say so."""
    with server.reached().client() as client:
        for pool in work_pools.load(installation.ROOT / file):
            work_pools.install(client, pool)
            print(f"{pool.name} ({pool.type})", flush=True)
    return 0
