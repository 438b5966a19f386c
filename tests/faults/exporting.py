"""An export in a process of its own, which kills itself after a page or in the midst of one."""

from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from ops import eval_export, eval_export_state, eval_night
from ops.eval_export_state import Begun
from ops.eval_night import EvalChoices

_FORKSERVER = multiprocessing.get_context("forkserver")
_FORKSERVER.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Death:
    """Dies when the state is written the `page`-th time: `before` it is, with part of a page behind it, or after."""

    page: int
    before: bool


def killed(root: Path, environment: dict[str, str], choices: EvalChoices, death: Death) -> int:
    """Run an export that dies, and return its exit code."""
    process = _FORKSERVER.Process(target=_live, args=(root, environment, choices, death))
    process.start()
    process.join(timeout=120)
    code = process.exitcode
    assert code is not None, "the export hangs"
    return code


def _live(root: Path, environment: dict[str, str], choices: EvalChoices, death: Death) -> None:
    os.environ |= environment
    keep, seen = eval_export_state.keep, 0

    def dying(folder: Path, state: Begun) -> None:
        nonlocal seen
        seen += 1
        if seen == death.page and death.before:
            with (folder / eval_export_state.RECORDS).open("ab") as file:
                file.write(b'{"id": 99, "half a li')
            os.kill(os.getpid(), signal.SIGKILL)
        keep(folder, state)
        if seen == death.page:
            os.kill(os.getpid(), signal.SIGKILL)

    eval_export_state.keep = dying
    with eval_night.opened(eval_night.plan(str(root), "production", choices), "killed") as night:
        eval_export.export(night)
