"""`runbooks demo-restore` as a newcomer runs it: what was dropped comes back, and nothing is left behind."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(600)
RUNBOOKS = Path(sys.executable).with_name("runbooks")


def left() -> set[str]:
    """Return the folders of servers and of the shop that there are now, by name."""
    root = Path(tempfile.gettempdir())
    return {path.name for prefix in ("runbooks-shop-*", "runbooks-pg-*") for path in root.glob(prefix)}


def test_it_brings_back_what_there_was_just_before_and_leaves_nothing(tmp_path: Path):
    before = left()
    ended = subprocess.run(
        [RUNBOOKS, "demo-restore"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    said = re.search(r"Until (\S+) there were ([\d,]+) orders and ([\d,]+) payments", ended.stdout)
    saved = re.search(r"Saved +([\d,]+) orders of ([\d,]+), and ([\d,]+) payments", ended.stdout)
    lost = re.search(r"Lost +([\d,]+) payments", ended.stdout)
    assert said, ended.stdout
    assert saved, ended.stdout
    assert lost, ended.stdout
    assert (saved[1], saved[2], saved[3]) == (said[2], said[2], said[3])
    assert lost[1] != "0"
    assert "restore drill passed" in ended.stdout
    assert {name for name in left() - before if name.startswith("runbooks-shop-")} == set()
