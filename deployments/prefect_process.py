"""Prefect's processes on a leash: each ends with all that it started as soon as its starter does, however that ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

Process = subprocess.Popen[bytes]


def start(
    arguments: tuple[str, ...], *, root: Path, log: Path, environment: Mapping[str, str], mode: str = "wb"
) -> Process:
    """Start `prefect` with these arguments in the folder `root`; what it says goes to `log`."""
    command = [sys.executable, "-m", "deployments.leash", sys.executable, "-m", "prefect", *arguments]
    with log.open(mode) as file:
        return subprocess.Popen(
            command,
            cwd=root,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def stop(process: Process) -> None:
    """Ask it to end with all that it started, and wait until it has."""
    if process.stdin:
        process.stdin.close()
    process.wait()
