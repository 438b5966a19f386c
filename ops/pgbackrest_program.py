"""Runs pgBackRest on a repository, as the user of the operating system as whom the scratch cluster runs.

Nothing that an option can steer is left to the configuration file where it could lead to a live cluster or leave
something behind: no file log, no links or tablespaces at their own places, no lock beside that of the server.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from ops import errors, os_user, scratch, secrets
from ops.backup_settings import PgBackRest
from ops.os_user import OsUser

_POLL = timedelta(milliseconds=50)
_LOOK = timedelta(seconds=1)
_QUIET = "--log-level-console=off"
_COMMON = ("--log-level-file=off", "--log-level-stderr=error", "--log-timestamp=n")
# What is damaged stays so, and pgBackRest would wait half a minute for it.
_RETRY = ("--job-retry=1", "--job-retry-interval=1")
# Protocol, lock, host-connect, service, repo-invalid: who did not answer may do so later.
_PASSING = frozenset({39, 49, 50, 101, 103})
_ERROR = re.compile(r"^ERROR: \[\d+\]: (.*(?:\n +.*)*)", re.MULTILINE)
# $1: file of the output; the rest: a command, which is ended when the pipe that we hold is.
_GUARDED = """
out=$1; shift; exec 3<&0
"$@" </dev/null >"$out" 2>&1 3<&- & child=$!
( read -r _ <&3; kill "$child" 2>/dev/null ) & guard=$!
wait "$child"; code=$?
kill "$guard" 2>/dev/null
exit $code
"""
# Postgres takes an exit code above 125 for an end of recovery, and any other for the end of the WAL.
_FETCH = """#!/bin/sh
{command}
code=$?
[ $code -le 1 ] || exit 200
exit $code
"""


@dataclass(frozen=True)
class Program:
    """pgBackRest as it is installed, for one stanza in one repository."""

    path: str
    settings: PgBackRest
    user: OsUser

    def ask(self, command: str, *words: str) -> str:
        """Return what a command that only reads prints.

        Raises:
            Refused: it does not do that as it is configured.
            Unavailable: the host or service of the repository does not answer.
        """
        done = self.user.run(*self._line(command, *words))
        if done.returncode == 0:
            return done.stdout
        kind = errors.Unavailable if done.returncode in _PASSING else errors.Refused
        raise kind(
            f"pgBackRest cannot read the repository of {self.settings.stanza}, so nothing is known of its backups: "
            f"{complaint(done.stderr)}. Look at {self.settings.config}, and whether the user of the operating system "
            "as whom Postgres is started here may read the repository."
        )

    def ask_json(self, command: str, *words: str) -> Any:
        """Return what a command prints as JSON; raises as `ask` does."""
        return json.loads(self.ask(command, "--output=json", _QUIET, *words))

    def verify(self) -> str:
        """Return all that `verify` says, in detail; its exit code is 0 whatever it finds. Raises as `ask` does."""
        return self.ask("verify", "--output=text", "--verbose", "--log-level-console=detail", *_RETRY)

    def restore(self, label: str, *, home: Path, within: timedelta, looking: Callable[[], None]) -> None:
        """Restore a backup into the folder `data` of `home`; `looking` is called now and then.

        Raises:
            CheckFailed: it cannot be restored.
            Unavailable: the time is up, or there is no room.
        """
        words = (
            *(f"--set={label}", "--type=none", f"--pg1-path={home / 'data'}", "--reset-pg1-host"),
            *(
                "--no-delta",
                "--no-link-all",
                "--reset-link-map",
                f"--tablespace-map-all={home / 'tablespaces'}",
            ),
            *(f"--lock-path={home / 'lock'}", _QUIET, *_RETRY),
        )
        log = home / "restore.log"
        code = self._watched(self._line("restore", *words), log, within, looking)
        if code == 0:
            return
        said = complaint(log.read_text(errors="replace")) if log.exists() else "it said nothing"
        if code is None:
            raise errors.Unavailable(f"pgBackRest did not restore {label} within {within}, and was stopped.")
        kind = errors.Unavailable if "No space left" in said or code in _PASSING else errors.CheckFailed
        raise kind(f"pgBackRest cannot restore {label}: {said}.")

    def fetch(self, name: str, to: Path, *, within: timedelta) -> bool:
        """Bring a file of the repository as it lies there; false where it cannot be read.

        Raises:
            Unavailable: the host or service of the repository does not answer.
        """
        code = self._watched(self._line("repo-get", _QUIET, name), to, within, lambda: None)
        if code is None or code in _PASSING:
            raise errors.Unavailable(
                f"{name} could not be brought from the repository of {self.settings.stanza}: it does not answer."
            )
        if code:
            to.unlink(missing_ok=True)
        return code == 0

    def offer_wal(self, home: Path) -> str:
        """Return the `restore_command` of a scratch cluster; what cannot be read ends its recovery with an error."""
        words = (f"--pg1-path={home / 'data'}", "--reset-pg1-host", "--no-archive-async", *_RETRY)
        line = self._line("archive-get", *words, _QUIET)
        script = home / "fetch-wal"
        quoted = " ".join(scratch.shell(word).replace("%%", "%") for word in line)
        script.write_text(_FETCH.format(command=f'{quoted} "$1" "$2"'))
        script.chmod(0o755)
        return f"{scratch.shell(script)} %f %p"

    def _line(self, command: str, *words: str) -> tuple[str, ...]:
        where = (f"--config={self.settings.config}", f"--stanza={self.settings.stanza}")
        return (self.path, command, *where, f"--repo={self.settings.repo}", *_COMMON, *words)

    def _watched(
        self, line: tuple[str, ...], log: Path, within: timedelta, looking: Callable[[], None]
    ) -> int | None:
        deadline, look = time.monotonic() + within.total_seconds(), 0.0
        process = self.user.spawn("/bin/sh", "-c", _GUARDED, "guarded", log, *line)
        try:
            while process.poll() is None and time.monotonic() < deadline:
                if time.monotonic() > look:
                    looking()
                    look = time.monotonic() + _LOOK.total_seconds()
                time.sleep(_POLL.total_seconds())
            return process.poll()
        finally:
            if process.stdin:
                process.stdin.close()
            process.wait()


def find(settings: PgBackRest) -> Program:
    """Return pgBackRest for the repository of an environment.

    Raises:
        Refused: it is not installed, or there is nobody as whom it could run.
    """
    path = shutil.which("pgbackrest")
    if path is None:
        raise errors.Refused(
            "pgbackrest is not installed, so nothing can be read from its repository. Install the package pgbackrest."
        )
    return Program(path, settings, os_user.find())


def complaint(said: str) -> str:
    """Return what pgBackRest complains of, without its numbers, redacted."""
    found = _ERROR.findall(said)
    text = "; ".join(" ".join(each.split()) for each in found) or said.strip()[-300:]
    return secrets.redact(text.rstrip(".")) or "it said nothing"
