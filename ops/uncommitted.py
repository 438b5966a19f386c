"""psql's own files, run by the real psql and undone: from copies in which nothing can commit.

psql itself, with AUTOCOMMIT off, opens the transaction that holds everything and drops it at the end.
"""

from __future__ import annotations

import secrets as tokens
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from ops import errors, psql_process, undone
from ops.copies import Copies, Uncopied, begins
from ops.printed import CELL, NULL, ROW, Transcript, read
from ops.statements import Script, Statement

_STOPPED = 3
_OPTIONS = (
    *("-q", "-A", "-t", "-F", CELL, "-R", ROW, "-P", f"null={NULL}"),
    *("-v", "AUTOCOMMIT=off", "-v", "VERBOSITY=verbose", "-v", "ON_ERROR_ROLLBACK=on"),
)
_GRACE = timedelta(seconds=5)
_APPLICATION = "supabase-runbooks contract"


def needs_psql(script: Script) -> bool:
    """Whether a file uses psql's own language, or something that only psql can be asked to read."""
    copying = any(s.kind == "copy_stmt" and "std" in s.text.lower() for s in script.statements)
    return bool(script.meta_commands) or script.parse_error is not None or copying


def run(
    path: Path,
    dsn: str,
    *,
    root: Path,
    prelude: str,
    keep_going: bool,
    omit: Callable[[Statement], bool] = lambda _statement: False,
    home: Path | None = None,
    bindir: Path | None = None,
    timeout: timedelta = undone.TIMEOUT,
) -> Transcript:
    """Run a file through psql and undo it; `prelude` is SQL that runs before it in the same session.

    Statements of which `omit` is true are left out. `\\i` counts from `home` for what is there, else from `root`.

    Raises:
        Refused: there is no psql to run it.
        Unavailable: the server went away.
    """
    with tempfile.TemporaryDirectory(prefix="runbooks-contract-") as folder:
        mark = f"runbooks-{tokens.token_hex(8)}"
        copies = Copies(Path(folder), root.resolve(), mark=mark, omit=omit, home=home)
        start = Path(folder) / "start.sql"
        start.write_text(_start(prelude, copies.mark, timeout, keep_going=keep_going), encoding="utf-8")
        try:
            copy = copies.make(path.resolve())
        except Uncopied as problem:
            return Transcript(error=str(problem))
        arguments = [*_OPTIONS, "-f", str(start), "-f", str(copy)]
        done = psql_process.call(
            arguments, dsn, cwd=copies.root, bindir=bindir, application=_APPLICATION, timeout=timeout + _GRACE
        )
        return _heard(done, copies, timeout)


def _start(prelude: str, mark: str, timeout: timedelta, *, keep_going: bool) -> str:
    """Return what runs first; where it fails, whatever needs it will say so itself."""
    limit = f"set local statement_timeout = {int(timeout.total_seconds() * 1000)};\n"
    strict = "" if keep_going else "\\set ON_ERROR_STOP 1\n\\set ON_ERROR_ROLLBACK off\n"
    return f"{limit}{prelude}{strict}{begins(mark)}"


def _heard(done: psql_process.Done, copies: Copies, timeout: timedelta) -> Transcript:
    said = " ".join(done.said.split())[-300:]
    if done.code is None:
        return Transcript(error=f"did not end within {timeout.total_seconds():g} s")
    if done.lost:
        raise errors.Unavailable(f"psql lost the server: {said}")
    transcript = read(done.output, done.said, copies)
    if done.code not in {0, _STOPPED} and not transcript.failures:
        transcript.error = f"ended psql with exit code {done.code}: {said}"
    return transcript
