"""Lets a run wait for a word at each place: before each step, and in the midst of each file.

`armed` in the folder says that places wait, `passed` has the lines of those that do not any more; `at` is where one
does, with the process that waits, and taking it away is the word.
"""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

from ops import execution
from tasks import step


def hold(place: str) -> None:
    """Wait for the word, unless this place has been passed."""
    folder = Path(os.environ["RUNBOOKS_TEST_HELD"])
    if not (folder / "armed").exists() or place in (folder / "passed").read_text("utf-8").splitlines():
        return
    (folder / "next").write_text(json.dumps([place, os.getpid()]), "utf-8")
    (folder / "next").replace(folder / "at")
    while (folder / "at").exists():
        time.sleep(0.02)


def _before_each_step(attempt: Any) -> Any:
    def held(self: Any, *arguments: Any, **keywords: Any) -> Any:
        hold(re.sub(r"^(Plan the promotion|Approved: [\w-]+) .*", r"\1", self.title))
        return attempt(self, *arguments, **keywords)

    return held


def _in_the_midst(execute: Any) -> Any:
    def held(connection: Any, target: Any, statement: Any, file: str) -> Any:
        hold(f"in the midst of {Path(file).name}")
        return execute(connection, target, statement, file)

    return held


step.Call.attempt = _before_each_step(step.Call.attempt)
execution.execute = _in_the_midst(execution.execute)
