"""What is pending: every local file against what the database says was applied.

Source: staging-rehearsal.md, section 3; design.md, section 6 ("Other hands are seen").
"""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict

from ops import creations, database, history, states
from ops.creations import Creation
from ops.evidence import Evidence
from ops.history import Applied
from ops.migrations import Migration
from ops.states import Seen, State
from ops.verdict import Lint

# What the database contradicts. A file that is wrong in itself is refused with the other bad files.
_BLOCKING: frozenset[State] = frozenset({"edited", "missing-file", "partly-applied", "out-of-order"})


class Entry(BaseModel):
    """One migration: its file, or its history row where there is no file.

    `rollback` is the script's path, None where there is none; `transactional` is None without a file;
    `findings` are sentences, `lint` what the linter said.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    file: str | None
    version: str
    name: str
    state: State
    rollback: str | None = None
    transactional: bool | None = None
    findings: tuple[str, ...] = ()
    lint: tuple[Lint, ...] = ()

    def row(self) -> dict[str, Any]:
        """Return the entry as a line of a table."""
        return {
            "version": self.version,
            "file": self.file or "none",
            "state": self.state,
            "rollback": self.rollback or "none",
            "transactional": {True: "yes", False: "no", None: ""}[self.transactional],
            "lint": ", ".join(f"{lint.rule}:{lint.line}" if lint.line else lint.rule for lint in self.lint),
            "findings": " ".join(self.findings),
        }


class Inventory(Evidence):
    """Every migration and its state.

    `pending` holds the versions that a run would apply, in order; `unfinished` those of them whose rollback an
    interrupted run has begun, and which still stand in the history; `remote` are its versions. `findings` are
    sentences about the whole, `refusals` why nothing should be applied on top of this.
    """

    entries: tuple[Entry, ...]
    pending: tuple[str, ...]
    unfinished: tuple[str, ...] = ()
    remote: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()

    def with_lint(self, lint: Mapping[str, tuple[Lint, ...]]) -> Inventory:
        """Return the inventory with the linter's findings, which are keyed by file."""
        entries = tuple(
            entry.model_copy(update={"lint": lint.get(entry.file or "", ())}) for entry in self.entries
        )
        return self.model_copy(update={"entries": entries, "rows": tuple(entry.row() for entry in entries)})

    def as_text(self) -> str:
        """Return the table that `supabase migration list` prints, for the log file."""
        local = sorted({entry.version for entry in self.entries if entry.file and entry.state != "skipped"})
        lines = ["  Local          | Remote         | Time (UTC)", f" {'-' * 15}|{'-' * 16}|{'-' * 21}"]
        for version in sorted({*local, *self.remote}):
            here, there = version * (version in local), version * (version in self.remote)
            lines.append(f"  {here:<14} | {there:<14} | {_time(version)}".rstrip())
        return "\n".join([*lines, ""])


def take(
    connection: database.Connection,
    migrations: Sequence[Migration],
    *,
    overlooked: Sequence[str] = (),
    expects: Iterable[str] | None = None,
    out_of_order: bool = False,
) -> Inventory:
    """Compare the local files with the database; reads only, in four round trips.

    `overlooked` are sentences about files that the Supabase CLI would skip; `expects` globs of the files
    that the project expects to touch; `out_of_order` allows versions below the highest applied.

    Raises:
        Refused: the role may not read the history.
        Unavailable: the connection is lost.
    """
    found = history.read(connection, {migration.version: migration.sha256 for migration in migrations})
    applied = {row.version: row for row in found.applied}
    waiting = [migration for migration in migrations if migration.version not in applied]
    highest = max((version for version in applied if version.isdigit()), default="")
    seen = Seen(applied, found.begun, highest, _existing(connection, waiting))
    shared = Counter(migration.version for migration in migrations)
    entries = [_entry(migration, seen, shared[migration.version]) for migration in migrations]
    entries += _without_file(found.applied, {migration.version for migration in migrations})
    entries += [
        Entry(file=None, version="", name="", state="skipped", findings=(said,)) for said in overlooked
    ]
    unfinished = tuple(entry.version for entry in entries if entry.state == "partly-rolled-back")
    due = {migration.version for migration in waiting}.union(unfinished)
    pending = tuple(dict.fromkeys(m.version for m in migrations if m.version in due))
    found_out = _inventory(tuple(entries), pending, tuple(applied), _expected(waiting, expects), out_of_order)
    return found_out.model_copy(update={"unfinished": unfinished})


def _existing(
    connection: database.Connection, waiting: Sequence[Migration]
) -> dict[str, tuple[int, tuple[Creation, ...]]]:
    """Return, for each pending file, how many objects it insists on making and which of them exist."""
    reader = creations.Reader()
    made = {migration.file: reader.creations(migration.script.statements) for migration in waiting}
    everything = [creation for found in made.values() for creation in found]
    there = {everything[index] for index in creations.existing(connection, everything)}
    return {file: (len(found), tuple(c for c in found if c in there)) for file, found in made.items()}


def _entry(migration: Migration, seen: Seen, sharing: int) -> Entry:
    state, findings = states.of(migration, seen, sharing=sharing)
    return Entry(
        file=migration.file,
        version=migration.version,
        name=migration.name,
        state=state,
        rollback=migration.rollback.file if migration.rollback else None,
        transactional=migration.script.transactional,
        findings=(*findings, *migration.findings),
    )


def _without_file(rows: Sequence[Applied], local: set[str]) -> Iterator[Entry]:
    for row in rows:
        if row.version not in local:
            yield Entry(
                file=None,
                version=row.version,
                name=row.name,
                state="missing-file",
                findings=(
                    f"Version {row.version} is applied and has no file here. "
                    "Fetch it (supabase migration fetch), or check out the branch that has it.",
                ),
            )


def _expected(waiting: Sequence[Migration], expects: Iterable[str] | None) -> tuple[str, ...]:
    if expects is None:
        return ()
    globs = tuple(expects)
    hits = {m.file: [glob for glob in globs if _matches(m, glob)] for m in waiting}
    surprises = [
        f"{file} is pending, and the project does not expect it." for file, hit in hits.items() if not hit
    ]
    used = {glob for hit in hits.values() for glob in hit}
    idle = [
        f"The project expects to touch {glob}, and nothing pending matches."
        for glob in globs
        if glob not in used
    ]
    return (*surprises, *idle)


def _matches(migration: Migration, glob: str) -> bool:
    names = (migration.file, PurePosixPath(migration.file).name, migration.version)
    return any(fnmatch.fnmatchcase(name, glob) for name in names)


def _inventory(
    entries: tuple[Entry, ...],
    pending: tuple[str, ...],
    remote: tuple[str, ...],
    findings: tuple[str, ...],
    out_of_order: bool,
) -> Inventory:
    blocking = _BLOCKING - ({"out-of-order"} if out_of_order else set())
    refusals = tuple(
        f"{entry.file or entry.version}: {entry.findings[0]}" for entry in entries if entry.state in blocking
    )
    counts = Counter(entry.state for entry in entries)
    said = ", ".join(f"{count} {state}" for state, count in counts.most_common())
    return Inventory(
        ok=not refusals,
        summary=f"{len(pending)} pending of {sum(1 for e in entries if e.file)} migration files"
        + (f" ({said})." if said else "."),
        rows=tuple(entry.row() for entry in entries),
        entries=entries,
        pending=pending,
        remote=remote,
        findings=(*findings, *_other_hands(entries)),
        refusals=refusals,
    )


def _other_hands(entries: Sequence[Entry]) -> Iterator[str]:
    others = [entry.file for entry in entries if entry.state == "other-hands"]
    if others:
        counted = "1 migration was" if len(others) == 1 else f"{len(others)} migrations were"
        yield f"{counted} applied by other hands (in the history, not in the journal), the last is {others[-1]}."


def _time(version: str) -> str:
    try:
        return str(datetime.strptime(version, "%Y%m%d%H%M%S")) if len(version) == 14 else version
    except ValueError:
        return version
