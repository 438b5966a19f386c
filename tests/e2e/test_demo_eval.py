"""`runbooks demo-eval` as a newcomer runs it: the provider that gets worse is found, and nobody where none does."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ops.manifest import verify

pytestmark = pytest.mark.timeout(600)
RUNBOOKS = Path(sys.executable).with_name("runbooks")


def left() -> set[str]:
    """Return the folders of the demo that there are now, by name."""
    return {path.name for path in Path(tempfile.gettempdir()).glob("runbooks-eval-*")}


@pytest.mark.parametrize(
    ("option", "headline"), [("--worse", "Evaluation failed"), ("--no-worse", "Evaluation")]
)
def test_just_the_worse_one_is_accused_and_nothing_is_left(tmp_path: Path, option: str, headline: str):
    before = left()
    ended = subprocess.run(
        [RUNBOOKS, "demo-eval", option],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "through PostgREST" in ended.stdout
    assert headline in ended.stdout
    assert ("Fail:" in ended.stdout.partition("4. Tonight")[2]) == (option == "--worse")
    (kept,) = tmp_path.glob("artifacts/ops/*/nightly-eval_*_demo")
    assert verify(kept).ok
    assert "data:image/png;base64," in (kept / "report.html").read_text("utf-8")
    assert left() - before == set()
