"""The project's pgTAP suites: found as `supabase test db` finds them, each one counted, all of it undone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ops import answers, copies, pgtap_source, uncommitted, undone, verdict
from ops.nature import Nature
from ops.pgtap_source import Source
from ops.project import Project
from ops.statements import Script, Statement

_SUFFIXES = {".sql", ".pg"}


@dataclass(slots=True)
class Suites:
    """The suites of one run; `lasting` is what earlier files left for the later ones."""

    project: Project
    dsn: str
    session: undone.Session
    source: Source
    bindir: Path | None = None
    lasting: list[str] = field(default_factory=list[str])

    def run(self, path: Path) -> verdict.ContractFile:
        """Run one suite and judge it."""
        name = path.relative_to(self.project.root).as_posix()
        script, problem = undone.read_script(path)
        if script is None:
            return verdict.ContractFile(name=name, error=f"{name} {problem}")
        run = self._through_psql if uncommitted.needs_psql(script) else self._on_session
        return self.source.explained(run(path, name, script))

    def _on_session(self, path: Path, name: str, script: Script) -> verdict.ContractFile:
        if not pgtap_source.created_by(script):
            self.session.execute(self.source.each.encode())
        kept = tuple(s for s in script.statements if not pgtap_source.creates(s))
        found = answers.Findings(name, calls_count=False)
        for answer in self.session.run(replace(script, statements=kept), file=name, keep_going=False):
            found.hear(answer)
        self.lasting += _lasting(script)
        return found.suite()

    def _through_psql(self, path: Path, name: str, script: Script) -> verdict.ContractFile:
        given = "" if pgtap_source.created_by(script) else f"{self.source.once}{self.source.each}"
        # psql is another session, which would wait for whatever ours has created and not committed.
        self.session.undo()
        transcript = uncommitted.run(
            path,
            self.dsn,
            root=self.project.root,
            prelude="".join([given, *(f"{statement};\n" for statement in self.lasting)]),
            keep_going=False,
            omit=pgtap_source.creates,
            home=_home(self.project, path),
            bindir=self.bindir,
        )
        self.lasting += _lasting(script)
        self.begin()
        return answers.of_transcript(name, transcript, calls_count=False).suite()

    def begin(self) -> None:
        """Give the session pgTAP, and what earlier files left."""
        self.session.begin()
        for statement in (self.source.once, *self.lasting):
            self.session.execute(statement.encode())


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
    included = set(_included(found, project))
    return tuple(path for path in found if path.resolve() not in contract | included)


def run(project: Project, dsn: str, *, bindir: Path | None = None) -> verdict.Contract:
    """Run every suite of the project on one connection, and undo them.

    Raises:
        Unavailable: the connection is lost on the way.
    """
    paths = find(project)
    if not paths:
        return verdict.Contract()
    with undone.session(dsn) as session:
        suites = Suites(project, dsn, session, pgtap_source.find(session.connection), bindir)
        suites.begin()
        files = tuple(suites.run(path) for path in paths)
    return verdict.Contract(files=files, stand_ins=(pgtap_source.NAME,) if suites.source.stands_in else ())


def _included(paths: Sequence[Path], project: Project) -> Iterator[Path]:
    for path in paths:
        text = path.read_bytes().decode("utf-8", "replace")
        for included in copies.includes(path, text, root=project.root, home=_home(project, path)):
            yield included.path


def _home(project: Project, path: Path) -> Path | None:
    """Return the folder of tests that a suite is in: `supabase test db` starts psql there."""
    places = [project.root / folder for folder in project.tests]
    return next((place for place in places if place.is_dir() and path.is_relative_to(place)), None)


def _lasting(script: Script) -> Iterator[str]:
    """What a file leaves behind when it runs on its own: the statements that no ROLLBACK takes back."""
    block: list[Statement] | None = None
    for statement in script.statements:
        if statement.nature is Nature.BEGIN:
            block = []
        elif statement.nature is Nature.ROLLBACK:
            block = None
        elif statement.nature is Nature.COMMIT:
            yield from (held.text for held in block or () if _lasts(held))
            block = None
        elif block is not None:
            block.append(statement)
        elif _lasts(statement):
            yield statement.text


def _lasts(statement: Statement) -> bool:
    return statement.kind != "select_stmt" or answers.calls(statement)
