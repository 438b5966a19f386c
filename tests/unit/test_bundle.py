"""The evidence bundle on disk: its names, its attempts, and that nothing partial ever looks whole."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from ops import bundle, errors, manifest, secrets
from ops.bundle import Bundle

STARTED = datetime(2025, 10, 19, 14, 2, 11, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


def opened(root: Path, *, run: str | None = None, attempt: int = 1, started: datetime = STARTED) -> Bundle:
    return bundle.open_bundle(root, kind="rehearsal", started=started, run=run, attempt=attempt)


def names(path: Path) -> set[str]:
    return {found.relative_to(path).as_posix() for found in path.rglob("*") if found.is_file()}


def test_folder_is_named_by_utc_date_and_time(tmp_path: Path) -> None:
    found = opened(tmp_path)
    assert found.path == tmp_path / "artifacts/ops/2025-10-19/rehearsal_20251019T140211Z"
    assert found.path.is_dir()


def test_local_times_are_turned_into_utc(tmp_path: Path) -> None:
    late = datetime(2025, 10, 20, 1, 30, 0, tzinfo=timezone(timedelta(hours=5)))
    assert opened(tmp_path, started=late).path.parts[-2:] == ("2025-10-19", "rehearsal_20251019T203000Z")


def test_two_runs_in_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    first, second, third = (opened(tmp_path) for _ in range(3))
    assert [each.path.name for each in (first, second, third)] == [
        "rehearsal_20251019T140211Z",
        "rehearsal_20251019T140211Z-2",
        "rehearsal_20251019T140211Z-3",
    ]


def test_written_bundle_is_whole_once_sealed(tmp_path: Path) -> None:
    found = opened(tmp_path)
    found.write_text("migration_apply.log", "==> a.sql\n")
    found.write_json("rehearsal.json", {"verdict": "passed", "names": ("é", None)})
    found.append("mcp_attempt1.jsonl", {"event": "started"})
    found.append_text("psql/first.log", "text")
    assert not manifest.verify(found.path).ok
    found.seal()
    assert manifest.verify(found.path).ok
    assert json.loads((found.path / "rehearsal.json").read_text("utf-8")) == {
        "verdict": "passed",
        "names": ["é", None],
    }
    assert names(found.path) == {
        *("bundle.json", "migration_apply.log", "rehearsal.json", "mcp_attempt1.jsonl", "psql/first.log"),
        manifest.NAME,
    }


def test_manifest_is_written_last(tmp_path: Path) -> None:
    found = opened(tmp_path)
    found.write_text("a.log", "a")
    sealed = found.seal()
    assert sealed.stat().st_mtime_ns >= max(path.stat().st_mtime_ns for path in found.path.iterdir())
    found.write_text("b.log", "b")
    assert not sealed.exists(), "a bundle that is being written is not sealed"
    found.seal()
    assert manifest.verify(found.path).ok


def test_secrets_are_redacted_in_every_file(tmp_path: Path) -> None:
    secrets.remember("postgresql://postgres:hunter2%2Fbundle@db.example.com/postgres")
    found = opened(tmp_path)
    found.write_text("a.log", "password hunter2/bundle\n")
    found.write_json("b.json", {"hunter2/bundle": ["hunter2%2Fbundle"]})
    found.append("c.jsonl", {"summary": "hunter2/bundle"})
    found.append_text("d.log", "hunter2/bundle")
    written = "".join(path.read_text("utf-8") for path in found.path.iterdir())
    assert "hunter2" not in written
    assert written.count(secrets.MASK) == 5


def test_next_attempt_keeps_what_the_one_before_left(tmp_path: Path) -> None:
    first = opened(tmp_path, run="run-1")
    first.write_text("migration_apply.log", "first\n")
    first.append("mcp_attempt1.jsonl", {"event": "started"})
    first.seal()
    second = opened(tmp_path, run="run-1", attempt=2, started=STARTED + timedelta(hours=1))
    assert second.path == first.path
    assert second.started == STARTED
    second.write_text("migration_apply.log", "second\n")
    second.seal()
    third = opened(tmp_path, run="run-1", attempt=3)
    third.write_text("migration_apply.log", "third\n")
    third.seal()
    texts = {
        name: (third.path / name / "migration_apply.log").read_text("utf-8")
        for name in (".", "attempt-1", "attempt-2")
    }
    assert texts == {".": "third\n", "attempt-1": "first\n", "attempt-2": "second\n"}
    assert (third.path / "attempt-1" / "mcp_attempt1.jsonl").is_file()
    for folder in (third.path, third.path / "attempt-1", third.path / "attempt-2"):
        assert manifest.verify(folder).ok, manifest.verify(folder)


def test_same_attempt_goes_on_where_it_was(tmp_path: Path) -> None:
    first = opened(tmp_path, run="run-1")
    first.append("mcp_attempt1.jsonl", {"n": 1})
    first.seal()
    again = opened(tmp_path, run="run-1")
    assert not manifest.verify(again.path).ok
    again.append("mcp_attempt1.jsonl", {"n": 2})
    assert (again.path / "mcp_attempt1.jsonl").read_text("utf-8") == '{"n": 1}\n{"n": 2}\n'


def test_other_runs_have_other_bundles(tmp_path: Path) -> None:
    assert opened(tmp_path, run="run-1").path != opened(tmp_path, run="run-2").path


def test_torn_line_is_closed_before_the_next(tmp_path: Path) -> None:
    found = opened(tmp_path, run="run-1")
    (found.path / "mcp_attempt1.jsonl").write_text('{"n": 1}\n{"n": 2', encoding="utf-8")
    opened(tmp_path, run="run-1").append("mcp_attempt1.jsonl", {"n": 3})
    lines = (found.path / "mcp_attempt1.jsonl").read_text("utf-8").splitlines()
    assert lines == ['{"n": 1}', '{"n": 2', '{"n": 3}']


@pytest.mark.parametrize(
    "name", ["../a", "/etc/a", "", ".", "a/../../b", "a\\b", "manifest.json", "sub/manifest.json"]
)
def test_names_that_leave_the_bundle_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(errors.Refused, match="no name for a file in a bundle"):
        opened(tmp_path).write_text(name, "x")


def test_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "artifacts").write_text("a file\n", encoding="utf-8")
    with pytest.raises(errors.Refused, match="--out"):
        opened(tmp_path)


def test_full_disk_is_unavailable_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = opened(tmp_path)
    found.write_text("a.log", "old\n")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(errors.Unavailable, match="No space left on device"):
        found.write_text("a.log", "new\n")
    assert (found.path / "a.log").read_text("utf-8") == "old\n"
    monkeypatch.undo()
    found.seal()
    assert names(found.path) == {"a.log", "bundle.json", manifest.NAME}


def test_text_that_is_no_unicode_is_written(tmp_path: Path) -> None:
    found = opened(tmp_path)
    found.write_text("a.log", "lone \ud800 surrogate")
    found.append("b.jsonl", {"n": "\ud800"})
    assert "\\ud800" in (found.path / "a.log").read_text("utf-8")


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from ops import bundle
kept = bundle.open_bundle(Path(sys.argv[1]), kind="rehearsal", started=datetime.now(UTC), run="killed")
number = 0
while True:
    number += 1
    kept.write_text(f"{number % 7}.log", f"begin {number}\\n" + "x" * 300_000 + f"\\nend {number}\\n")
    kept.append("mcp_attempt1.jsonl", {"number": number, "pad": "y" * 2000})
    kept.seal()
"""


def test_killed_writer_leaves_nothing_that_looks_whole_and_is_not(tmp_path: Path) -> None:
    for turn in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], cwd=ROOT, start_new_session=True
        )
        try:
            wait_for_lines(tmp_path, process, more=2 + turn)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        (path,) = (tmp_path / "artifacts" / "ops").glob("2*/rehearsal_*")
        check_whole(path)
    again = opened(tmp_path, run="killed")
    again.seal()
    assert manifest.verify(again.path).ok
    assert not [name for name in names(again.path) if name.endswith(".tmp")]


def wait_for_lines(root: Path, process: subprocess.Popen[bytes], *, more: int) -> None:
    """Wait until the writer has appended that many lines to its log."""
    counted: int | None = None
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        found = sum(
            path.read_bytes().count(b"\n") for path in (root / "artifacts" / "ops").glob("*/*/*.jsonl")
        )
        counted = found if counted is None else counted
        if found >= counted + more:
            return
        time.sleep(0.002)  # without it this loop takes the writer's processor
    raise AssertionError(f"the writer wrote nothing (exit code {process.poll()})")


def check_whole(path: Path) -> None:
    """A bundle with a manifest is what the manifest says; without one its files are still whole."""
    if (path / manifest.NAME).exists():
        assert manifest.verify(path).ok, manifest.verify(path)
    else:
        assert "not sealed" in manifest.verify(path).summary
    for file in path.glob("*.log"):
        first, _, last = file.read_text("utf-8").splitlines()
        assert first.replace("begin", "end") == last
    for line in (path / "mcp_attempt1.jsonl").read_text("utf-8").splitlines():
        assert json.loads(line)["pad"]


KILLED_IN_A_WRITE = """
import resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from ops import bundle
kept = bundle.open_bundle(Path(sys.argv[1]), kind="rehearsal", started=datetime.now(UTC), run="killed")
kept.write_text("a.log", "begin 1\\nold\\nend 1\\n")
kept.append("mcp_attempt1.jsonl", {"pad": "old"})
kept.seal()
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
kept.write_text("a.log", "begin 2\\n" + "x" * 300_000 + "\\nend 2\\n")
"""


def test_kill_in_the_middle_of_a_write_leaves_the_old_file(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED_IN_A_WRITE, str(tmp_path)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGXFSZ
    (path,) = (tmp_path / "artifacts" / "ops").glob("2*/rehearsal_*")
    assert (path / "a.log").read_text("utf-8").splitlines()[1] == "old"
    assert not (path / manifest.NAME).exists()
    check_whole(path)
