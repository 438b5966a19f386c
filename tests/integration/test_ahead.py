"""Proofs made ahead by another process: the same verdicts as alone, whatever becomes of that process."""

from __future__ import annotations

import importlib
import json
import signal
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from cli import rehearse as command
from ops import ahead, plan, prover
from ops.choices import Choices
from ops.project import Environment, Project
from tests import fix_command, projects
from tests.polling import wait_until

# As a Prefect flow, which other tests look at, before the command makes it a plain function.
importlib.import_module("flows.staging_rehearsal")

COUNT = 10
# What takes its time, or has a time or a place of its own.
ITS_OWN = {"duration_ms", "wal_bytes", "bundle", "started", "finished", "servers", "run", "seal"}
FIRST, LAST = "20260101000007_step", "20260101000009_step"
NO_SUCH_TABLE = "alter table public.nowhere add column a int;\n"
LOSES_ROWS = "drop policy readable on public.thing_6; delete from public.thing_6;\n"


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cores, and files so costly that the second half is worth a process."""
    monkeypatch.setattr(ahead, "_WORTH_IT", 4)
    monkeypatch.setattr(ahead, "_COMING_UP", 0)
    monkeypatch.setattr(ahead, "_cores", lambda: 2)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return projects.generated(tmp_path / "project", count=COUNT, rows=3)


def rehearse(project: Path, **choices: Any) -> tuple[int, dict[str, Any]]:
    written = project / "result.json"
    code = command.rehearse(project, "throw-away", Choices(out=str(project), **choices), json_file=written)
    return code, json.loads(written.read_text("utf-8"))


def alone(project: Path, monkeypatch: pytest.MonkeyPatch, **choices: Any) -> dict[str, Any]:
    with monkeypatch.context() as patched:
        patched.setattr(ahead, "_cores", lambda: 1)
        found = rehearse(project, **choices)[1]
    assert found["base"]["servers"] == 1
    return found


def plain(value: Any) -> Any:
    """Return a result without what no two runs have in common."""
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return {key: plain(item) for key, item in pairs if key not in ITS_OWN}
    return [plain(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def rollback(project: Path, key: str, text: str) -> None:
    (project / "supabase" / "rollbacks" / f"{key}.down.sql").write_text(text, "utf-8")


def migration(project: Path, key: str, text: str) -> None:
    (project / "supabase" / "migrations" / f"{key}.sql").write_text(text, "utf-8")


def of(found: dict[str, Any], key: str) -> dict[str, Any]:
    return next(each for each in found["migrations"] if key in each["file"])


def is_prover(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return "ops.prover" in process.cmdline()
    return False


@pytest.fixture
def proven(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files whose proof another process had."""
    files: list[str] = []
    taken = ahead.Ahead.proven

    def take(self: ahead.Ahead, migration: Any) -> prover.Proven | None:
        found = taken(self, migration)
        files.extend([found.file] if found else [])
        return found

    monkeypatch.setattr(ahead.Ahead, "proven", take)
    return files


def test_what_was_proven_ahead_is_as_it_is_alone(
    project: Path, proven: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, found = rehearse(project)
    ((first, last),) = ahead.shares(COUNT, lanes=2)
    assert (code, found["base"]["servers"], len(proven)) == (0, 2, last - first)
    assert found["counts"]["rollbacks_proven"] == COUNT
    assert of(found, LAST)["locks"]
    assert plain(found) == plain(alone(project, monkeypatch))


@pytest.mark.parametrize(
    ("write", "key", "text", "ahead_of_it", "keep_going"),
    [
        (rollback, LAST, "select 1;\n", 4, False),
        (rollback, LAST, "drop table public.nowhere;\n", 4, True),
        (rollback, FIRST, LOSES_ROWS, 2, False),
        (rollback, FIRST, LOSES_ROWS, 2, True),
        (migration, LAST, NO_SUCH_TABLE, 4, False),
        (migration, "20260101000002_step", NO_SUCH_TABLE, 0, False),
        (migration, "20260101000002_step", NO_SUCH_TABLE, 0, True),
        (rollback, "20260101000002_step", "select 1;\n", 6, True),
    ],
)
def test_what_is_wrong_is_found_as_it_is_alone(
    project: Path,
    proven: list[str],
    monkeypatch: pytest.MonkeyPatch,
    write: Callable[[Path, str, str], None],
    key: str,
    text: str,
    ahead_of_it: int,
    keep_going: bool,
) -> None:
    write(project, key, text)
    code, found = rehearse(project, keep_going=keep_going)
    assert (code, len(proven)) == (1, ahead_of_it)
    wrong = of(found, key)
    assert wrong["status"] == "failed" or wrong["rollback"]["status"] in ("differs", "failed")
    assert plain(found) == plain(alone(project, monkeypatch, keep_going=keep_going))


def test_the_whole_chain_is_rehearsed_on_one_database(project: Path) -> None:
    code, found = rehearse(project, chain=True)
    assert (code, found["chain"]["status"], found["base"]["servers"]) == (0, "proven", 1)


def test_when_the_other_process_is_killed_the_rehearsal_goes_on_alone(
    project: Path, proven: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    received = ahead.Ahead.proven

    def kill(self: ahead.Ahead, migration: Any) -> prover.Proven | None:
        found = received(self, migration)
        for child in psutil.Process().children() if found else ():
            if is_prover(child):
                child.kill()
                child.wait()
        return found

    monkeypatch.setattr(ahead.Ahead, "proven", kill)
    # So that the others are not there yet when the first is taken.
    slow = project / "supabase" / "migrations" / "20260101000008_step.sql"
    slow.write_text(f"{slow.read_text('utf-8')}select pg_sleep(1);\n", "utf-8")
    code, found = rehearse(project)
    assert (code, found["counts"]["rollbacks_proven"]) == (0, COUNT)
    assert 0 < len(proven) < 6


def test_what_goes_wrong_in_the_other_process_is_in_the_log_of_attempts(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_server(project: Project, environment: Environment, run: str) -> prover.Place:
        return prover.Place(project, environment.model_copy(update={"bindir": Path("/nowhere")}), run)

    monkeypatch.setattr(ahead, "Place", without_server)
    code, found = rehearse(project)
    assert (code, found["counts"]["rollbacks_proven"]) == (0, COUNT)
    (log,) = Path(found["bundle"]).glob("mcp_attempt*.jsonl")
    assert "goes on alone: Refused: /nowhere" in log.read_text("utf-8")


def test_the_proof_of_other_bytes_is_none(project: Path) -> None:
    planned = plan.rehearsal(str(project), "throw-away", Choices())
    last = planned.migrations[-1]
    with closing(ahead.Ahead()) as at_work:
        at_work.prepare(planned, run="a run")
        at_work.start(planned.migrations, since=datetime.now(UTC))
        assert at_work.proven(planned.migrations[0]) is None
        assert at_work.proven(replace(last, sha256="edited")) is None
        assert at_work.proven(replace(last, rollback=None)) is None
        found = at_work.proven(last)
        at_work.close()
        assert at_work.proven(last) is None
    assert found is not None
    assert (found.file, found.proof.rollback.status) == (last.file, "proven")


def test_nothing_outlives_a_rehearsal_that_is_killed(tmp_path: Path) -> None:
    project = projects.generated(tmp_path / "project", count=90)
    migration(project, "20260101000089_step", "select pg_sleep(120);\n")
    with fix_command.start("rehearse", project, "--out", tmp_path) as process:
        family: list[psutil.Process] = []

        def is_proving() -> bool:
            family[:] = psutil.Process(process.pid).children(recursive=True)
            return any(map(is_prover, family)) and len(family) > 10

        wait_until(is_proving, seconds=60)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert psutil.wait_procs(family, timeout=30)[1] == []


def test_where_little_is_pending_nobody_else_is_at_work(project: Path) -> None:
    planned = plan.rehearsal(str(project), "throw-away", Choices())
    with closing(ahead.Ahead()) as at_work:
        at_work.prepare(planned, run="a run")
        assert at_work.servers == 2
        at_work.start(planned.migrations[:3], since=datetime.now(UTC))
        assert at_work.servers == 1
        assert at_work.proven(planned.migrations[2]) is None


@pytest.mark.parametrize("cores", [1, 2, 3, 4, 64])
@pytest.mark.parametrize("count", [0, 1, 79, 80, 200, 1000])
def test_every_migration_is_proven_by_one_process(
    count: int, cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    lanes = ahead.worth(count, cores=cores)
    shares = ahead.shares(count, lanes=lanes)
    assert (lanes > 1) == (cores > 1 and count >= 80)
    assert len(shares) == lanes - 1
    if shares:
        ends = [0, *(last for _, last in shares)]
        assert [first for first, _ in shares[1:]] == ends[1:-1]
        assert 0 < shares[0][0] < count == ends[-1]
        assert all(first < last for first, last in shares)
