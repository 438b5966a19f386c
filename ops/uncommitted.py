"""psql's own files, run by the real psql and undone: from copies in which nothing can commit.

psql itself, with AUTOCOMMIT off, opens the transaction that holds everything and drops it at the end.
"""

from __future__ import annotations

import os
import secrets as tokens
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from psycopg import conninfo

from ops import binaries, errors, secrets, undone
from ops.copies import Copies, Uncopied
from ops.printed import CELL, NULL, ROW, Transcript, read
from ops.statements import Script

_LOST_SERVER = 2
_STOPPED = 3


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
    bindir: Path | None = None,
    timeout: timedelta = undone.TIMEOUT,
) -> Transcript:
    """Run a file through psql and undo it; `prelude` is SQL that runs before it in the same session.

    Raises:
        Refused: there is no psql to run it.
        Unavailable: the server went away.
    """
    with tempfile.TemporaryDirectory(prefix="runbooks-contract-") as folder:
        copies = Copies(Path(folder), root.resolve(), mark=f"runbooks-{tokens.token_hex(8)}")
        start = Path(folder) / "start.sql"
        limit = f"set local statement_timeout = {int(timeout.total_seconds() * 1000)};"
        start.write_text(f"{limit}\n{prelude}", encoding="utf-8")
        try:
            copy = copies.make(path.resolve())
        except Uncopied as problem:
            return Transcript(error=str(problem))
        command = [*_command(bindir, keep_going=keep_going), "-f", str(start), "-f", str(copy)]
        return _listen(command, dsn, copies, timeout)


def _command(bindir: Path | None, *, keep_going: bool) -> list[str]:
    folder = bindir or (None if shutil.which("psql") else binaries.find(None).bindir)
    program = shutil.which("psql", path=str(folder) if folder else None)
    if program is None:
        raise errors.Refused(
            f"psql is not in {folder}, and the contract uses its language; install postgresql-client."
        )
    going = "ON_ERROR_ROLLBACK=on" if keep_going else "ON_ERROR_STOP=1"
    variables = [part for each in ("AUTOCOMMIT=off", "VERBOSITY=verbose", going) for part in ("-v", each)]
    printing = ["-A", "-t", "-F", CELL, "-R", ROW, "-P", f"null={NULL}"]
    return [program, "-X", "-q", "-w", *printing, *variables]


def _listen(command: Sequence[str], dsn: str, copies: Copies, timeout: timedelta) -> Transcript:
    parameters = conninfo.conninfo_to_dict(dsn)
    password = parameters.pop("password", None)
    environment = {**os.environ, "LC_ALL": "C", "PGCLIENTENCODING": "UTF8"}
    if password:
        environment["PGPASSWORD"] = str(password)
    try:
        done = subprocess.run(
            [*command, "-d", conninfo.make_conninfo("", **parameters)],
            cwd=copies.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout.total_seconds() + 5,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Transcript(error=f"did not end within {timeout.total_seconds():g} s")
    output, said = (
        secrets.redact(stream.decode("utf-8", "replace")) for stream in (done.stdout, done.stderr)
    )
    if done.returncode == _LOST_SERVER:
        raise errors.Unavailable(f"psql lost the server: {' '.join(said.split())[-300:]}")
    transcript = read(output, said, copies)
    if done.returncode not in {0, _STOPPED} and not transcript.failures:
        transcript.error = f"ended psql with exit code {done.returncode}: {' '.join(said.split())[-300:]}"
    return transcript
