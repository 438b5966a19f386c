"""`runbooks demo`, and with `--stay`, as a newcomer runs them: they show a rehearsal, and leave nothing behind."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from ops import manifest

pytestmark = pytest.mark.timeout(900)

EXAMPLE = Path(__file__).parents[2] / "examples" / "storefront"
RUNBOOKS = Path(sys.executable).with_name("runbooks")
STEP = re.compile(r"^(?:✓|ok) \d\d:\d\d:\d\d (.+) \(.+\)$", re.M)


@contextmanager
def started(command: str, folder: Path, *more: str) -> Generator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [RUNBOOKS, command, *more],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], said: str) -> str:
    """Return what it says until it has said this."""
    assert process.stdout is not None
    heard = ""
    while said not in heard:
        line = process.stdout.readline()
        assert line, f"it ended before it said {said!r}:\n{heard}"
        heard += line
    return heard


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    found = psutil.Process(process.pid).children(recursive=True)
    programs = {name for child in found for name in child.cmdline()}
    assert "deployments.leash" in programs
    assert any(program.endswith("bin/postgres") for program in programs)
    return found


def test_the_demo_shows_each_step_and_stops_what_it_started(tmp_path: Path):
    with started("demo", tmp_path) as process:
        said = read_until(process, "Apply 20260112090000_catalogue.sql")
        servants = family(process)
        rest, _ = process.communicate(timeout=800)
        said += rest
    assert process.returncode == 0, said
    steps = STEP.findall(said)
    assert steps[0] == "Plan the rehearsal of examples/storefront"
    assert "Prove the rollback of 20260209093000_money_in_cents.sql" in steps
    assert steps[-1] == "End the record of the promotion"
    assert "Apply from 20260112090000_catalogue.sql on" in steps
    assert "20260215205200_phase2_provider_config_prod.sql: applied in" in said
    assert len(re.findall(r"^ PASSED ", said, re.M)) == 3
    for name, what in (
        ("ada", "requester ada"),
        ("grace", "decision approve"),
        ("linus", "decision approve"),
    ):
        assert f"{name} answers: {what}" in said
    assert "asked by ada, approved by grace (totp)" in " ".join(said.split())
    assert re.search(r"^Prefect +http://127\.0\.0\.1:\d+/runs/flow-run/[0-9a-f-]{36}$", said, re.M)
    evidence = re.findall(r"^Evidence +(\S+)$", said, re.M)
    assert len(evidence) == 3
    assert all(manifest.verify(tmp_path / each).ok for each in evidence)
    assert psutil.wait_procs(servants, timeout=30)[1] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
def test_however_a_demo_ends_nothing_that_it_started_lives_on(tmp_path: Path, number: signal.Signals):
    with started("demo", tmp_path) as process:
        read_until(process, "Find pending migrations")
        servants = family(process)
        process.send_signal(number)
        process.wait(timeout=60)
        assert psutil.wait_procs(servants, timeout=30)[1] == []


def test_a_demo_that_stays_stays_until_it_is_told_to_end(tmp_path: Path):
    with started("demo", tmp_path, "--stay", str(EXAMPLE)) as process:
        said = read_until(process, "press Ctrl-C to stop it")
        assert "PASSED" in said
        servants = family(process)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
        assert psutil.wait_procs(servants, timeout=30)[1] == []
