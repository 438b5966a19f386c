"""Files evaluated without a database: no record is lost for what its key holds, or for how deep it is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RUNBOOKS = Path(sys.executable).with_name("runbooks")


def scored(folder: Path, lines: list[str], config: str = "") -> dict[str, Any]:
    (folder / "runbooks.toml").write_text(f"[eval.fields]\n{config}", "utf-8")
    (folder / "records.jsonl").write_text("\n".join(lines), "utf-8")
    ended = subprocess.run(
        [RUNBOOKS, "eval", "score", "records.jsonl", "--path", "."],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (found,) = folder.glob("artifacts/ops/*/*/eval_run_report.json")
    return json.loads(found.read_text("utf-8"))


@pytest.mark.parametrize("key", ["user{}@example.com", "card 4111 1111 1111 1111 of {}"])
def test_a_key_deep_inside_that_is_redacted_still_tells_records_apart(tmp_path: Path, key: str):
    lines = [json.dumps({"meta": {"id": key.format(n)}, "output": {"n": n}}) for n in range(40)]
    found = scored(tmp_path, lines, 'key = "meta.id"\n')
    assert (found["records"], found["samples"], found["repeated"]) == (40, 40, 0)
    assert "@example.com" not in json.dumps(found)


def test_a_deep_record_with_a_broken_number_for_a_key_does_not_end_the_night(tmp_path: Path):
    lines = [f'{{"id": {depth}.5, "a": {"[" * depth}{"]" * depth}}}' for depth in (10, 1000, 1020, 5000)]
    found = scored(tmp_path, lines)
    assert found["samples"] + found["unreadable"] == 4
