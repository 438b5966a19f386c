"""The `runbooks` command as a process of its own, as an operator starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COMMAND = (sys.executable, "-c", "from cli.main import main; main()")
ROOT = Path(__file__).parents[1]


def run(*words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end; `variables` are added to its environment."""
    return subprocess.run(
        [*COMMAND, *map(str, words)],
        env=_environment(variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def start(*words: str | Path, **variables: str) -> subprocess.Popen[str]:
    """Start the command; its output and its errors come through one pipe."""
    return subprocess.Popen(
        [*COMMAND, *map(str, words)],
        env=_environment(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _environment(variables: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", **variables}
