"""The project's pgTAP suites: found as `supabase test db` finds them, each one counted, all of it undone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ops import answers, copies, uncommitted, undone, verdict
from ops.nature import Nature
from ops.project import Project
from ops.statements import Script, Statement

_SUFFIXES = {".sql", ".pg"}
_SPEAKS_PGTAP = re.compile(r"\b(?:plan|no_plan|finish|runtests)\s*\(", re.IGNORECASE)
_CREATES_PGTAP = re.compile(r"\bcreate\s+extension\b[^;]*\bpgtap\b", re.IGNORECASE)
_CREATE = b"create extension if not exists pgtap"
_AVAILABLE = b"select 1 from pg_available_extensions where name = 'pgtap'"


@dataclass(slots=True)
class Suites:
    """The suites of one run; `lasting` is what earlier files left for those that need psql."""

    project: Project
    dsn: str
    session: undone.Session
    bindir: Path | None = None
    missing: str | None = None
    lasting: list[str] = field(default_factory=list[str])

    def run(self, path: Path) -> verdict.ContractFile:
        """Run one suite and judge it."""
        name = path.relative_to(self.project.root).as_posix()
        script, problem = undone.read_script(path)
        if script is None:
            return verdict.ContractFile(name=name, error=f"{name} {problem}")
        if self.missing and _SPEAKS_PGTAP.search(script.text):
            return verdict.ContractFile(name=name, error=self.missing)
        if uncommitted.needs_psql(script):
            return self._through_psql(path, name, script)
        return self._on_session(name, script)

    def _on_session(self, name: str, script: Script) -> verdict.ContractFile:
        if not _CREATES_PGTAP.search(script.text):
            self._create_pgtap()
        found = answers.Findings(name)
        for answer in self.session.run(script, file=name, keep_going=False):
            found.hear(answer)
        self.lasting += _lasting(script)
        return found.suite()

    def _through_psql(self, path: Path, name: str, script: Script) -> verdict.ContractFile:
        own = [] if _CREATES_PGTAP.search(script.text) else [_create_statement(self.session)]
        transcript = uncommitted.run(
            path,
            self.dsn,
            root=self.project.root,
            prelude=";\n".join([*own, *self.lasting, ""]),
            keep_going=False,
            bindir=self.bindir,
        )
        return answers.of_transcript(name, transcript).suite()

    def _create_pgtap(self) -> None:
        if not self.missing:
            self.session.execute(_create_statement(self.session).encode())


def find(project: Project) -> tuple[Path, ...]:
    """Return the suites in the order in which they run: every .sql and .pg file, by path.

    The SQL contract is not among them, nor are files that others include.
    """
    contract = {(project.root / path).resolve() for path in project.contract or ()}
    found: list[Path] = []
    for folder in project.tests:
        place = project.root / folder
        files = [place] if place.is_file() else sorted(place.rglob("*"))
        found += [path for path in files if path.suffix.lower() in _SUFFIXES and path.is_file()]
    included = set(_included(found, project.root))
    return tuple(path for path in found if path.resolve() not in contract | included)


def run(project: Project, dsn: str, *, bindir: Path | None = None) -> tuple[verdict.ContractFile, ...]:
    """Run every suite of the project on one connection, and undo them.

    Raises:
        Unavailable: the connection is lost on the way.
    """
    paths = find(project)
    if not paths:
        return ()
    with undone.session(dsn) as session:
        suites = Suites(project, dsn, session, bindir, missing=_missing(session))
        return tuple(suites.run(path) for path in paths)


def _included(paths: Sequence[Path], root: Path) -> Iterator[Path]:
    for path in paths:
        text = path.read_bytes().decode("utf-8", "replace")
        for included in copies.includes(path, text, root=root):
            yield included.path


def _missing(session: undone.Session) -> str | None:
    if session.connection.execute(_AVAILABLE).fetchone():
        return None
    major = session.connection.info.server_version // 10000
    return (
        f"pgTAP is not installed on this PostgreSQL {major}, so the suite did not run. Install it "
        f"(Debian: `apt-get install postgresql-{major}-pgtap`) or enable it (Supabase: Database, Extensions, pgtap)."
    )


def _create_statement(session: undone.Session) -> str:
    """Where Supabase puts it, if there is such a place."""
    row = session.connection.execute(b"select to_regnamespace('extensions') is not null").fetchone()
    return _CREATE.decode() + (" with schema extensions" if row and row[0] else "")


def _lasting(script: Script) -> Iterator[str]:
    """What a file leaves behind when it runs on its own: the statements that no ROLLBACK takes back."""
    block: list[Statement] | None = None
    for statement in script.statements:
        if statement.nature is Nature.BEGIN:
            block = []
        elif statement.nature is Nature.ROLLBACK:
            block = None
        elif statement.nature is Nature.COMMIT:
            yield from (held.text for held in block or ())
            block = None
        elif block is None and statement.kind != "select_stmt":
            yield statement.text
        elif block is not None:
            block.append(statement)
