"""The scripts that undo migrations, found wherever the common conventions put them."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from ops import hazards, sources, statements
from ops.project import Project

_MARK = r"(?:rollbacks?|roll_back|down|undo|reverts?)"
_MARKED_FOLDER = re.compile(rf"(?:^|[._-]){_MARK}(?:[._-]|$)", re.IGNORECASE)
_MARKED_NAME = re.compile(rf"^{_MARK}[._-]|^\d+[._-]{_MARK}(?:[._-]|$)|[._-]{_MARK}$", re.IGNORECASE)
_DOTTED = re.compile(rf"\.{_MARK}$", re.IGNORECASE)
_LEADING = re.compile(rf"^{_MARK}[._-]+|(?<=\d)[._-]{_MARK}(?=[._-]|$)", re.IGNORECASE)
_TRAILING = re.compile(rf"[._-]{_MARK}$", re.IGNORECASE)
_VERSIONED = re.compile(r"^(\d+)(?:[._-]+(.*))?$")
# Where projects keep database files; a whole monorepo is not walked.
_ROOTS = ("supabase", "rollbacks", "rollback", "down", "db", "database", "sql", "scripts", "migrations")
_NEVER = {"node_modules", "functions", "tests", "test", "vendor", "dist", "build", "seeds", "seed"}
_DEEPEST = 4


class Forward(Protocol):
    """What a migration must tell so that its rollback script can be found."""

    @property
    def version(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def path(self) -> Path: ...
    @property
    def file(self) -> str: ...
    @property
    def undo(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Named:
    """A file by the version and the name that its own name gives it."""

    version: str
    name: str


@dataclass(frozen=True, slots=True)
class RollbackScript:
    """The script that undoes one migration.

    `uses_psql` says that only psql understands it; `problem` why it must not run; `findings` what is odd.
    """

    file: str
    path: Path
    sha256: str
    script: statements.Script
    uses_psql: bool
    problem: str | None
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidate:
    path: Path
    version: str | None
    name: str


def find(
    project: Project, migrations: Sequence[Forward], *, others: Sequence[Named] = ()
) -> dict[str, RollbackScript]:
    """Return the rollback script of each migration that has one, by the migration's version.

    A script belongs to a migration by its version, and otherwise by its name where only one of each has it. Where
    there is none, a part of the migration's own file may be it. What is named after one of `others` is theirs.
    """
    index = _index(project, migrations, others, counted=())
    found = {m.version: _chosen(m, index, project.root) for m in migrations}
    return {version: script for version, script in found.items() if script}


def of_overlays(
    project: Project, overlays: Sequence[Forward], migrations: Sequence[Named]
) -> dict[str, RollbackScript]:
    """Return the rollback script of each overlay that has one, by the overlay's file.

    What may as well be the script of one of the migrations is that one's.
    """
    index = _index(project, overlays, migrations, counted=migrations)
    found = {overlay.file: _chosen(overlay, index, project.root) for overlay in overlays}
    return {file: script for file, script in found.items() if script}


def _index(
    project: Project, migrations: Sequence[Forward], others: Sequence[Named], *, counted: Sequence[Named]
) -> _Index:
    forward = {migration.path for migration in migrations}
    theirs = {(each.version, _plain(each.name)) for each in others}
    theirs -= {(migration.version, _plain(migration.name)) for migration in migrations}
    candidates = [
        c for c in _candidates(project) if c.path not in forward and (c.version, _plain(c.name)) not in theirs
    ]
    return _Index(candidates, migrations, counted)


def _chosen(migration: Forward, index: _Index, root: Path) -> RollbackScript | None:
    return _choose(migration, index.matching(migration), root) or _part(migration)


def looks_like_one(stem: str, *, siblings: Iterable[str]) -> bool:
    """Whether a file in the folder of migrations, named `stem`.sql, is a rollback script.

    `siblings` are the stems of the other files there: `20240101_x_down` is the script of `20240101_x`, but
    without that file it is a migration which happens to have such a name.
    """
    if _DOTTED.search(stem):
        return True
    version = _VERSIONED.match(stem)
    return bool(
        _MARKED_NAME.search(stem)
        and version
        and any(
            not _MARKED_NAME.search(other) and (match := _VERSIONED.match(other)) and match[1] == version[1]
            for other in siblings
        )
    )


def named_like_one(stem: str) -> bool:
    """Whether a name alone suggests a rollback script."""
    return bool(_MARKED_NAME.search(stem))


def _candidates(project: Project) -> list[_Candidate]:
    if project.rollbacks is not None:
        folders = [project.root / folder for folder in project.rollbacks]
        paths = [path for folder in folders for path in _walk(folder) if path.is_relative_to(folder)]
    else:
        folders = [project.root / name for name in dict.fromkeys((*_ROOTS, *map(str, project.migrations)))]
        skipped = [project.root / folder for folder in project.tests]
        paths = [
            path
            for folder in folders
            for path in _walk(folder)
            if _is_marked(path, project.root) and not any(path.is_relative_to(tests) for tests in skipped)
        ]
    return [_candidate(path) for path in dict.fromkeys(paths)]


def _walk(folder: Path) -> Iterator[Path]:
    for place, subfolders, files in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        subfolders[:] = sorted(
            name
            for name in subfolders
            if depth < _DEEPEST and name not in _NEVER and not name.startswith(".")
        )
        yield from (Path(place) / name for name in sorted(files) if name.lower().endswith(".sql"))


def _is_marked(path: Path, root: Path) -> bool:
    folders = path.relative_to(root).parts[:-1]
    return bool(_MARKED_NAME.search(path.stem)) or any(_MARKED_FOLDER.search(folder) for folder in folders)


def _candidate(path: Path) -> _Candidate:
    stem = path.stem
    while (stripped := _TRAILING.sub("", _LEADING.sub("", stem, count=1))) != stem:
        stem = stripped
    match = _VERSIONED.match(stem)
    return _Candidate(path, match[1], match[2] or "") if match else _Candidate(path, None, stem)


class _Index:
    """The candidates by version and by name, so that a thousand files are matched in one pass."""

    def __init__(
        self, candidates: Sequence[_Candidate], migrations: Sequence[Forward], others: Sequence[Named]
    ) -> None:
        everything: list[Forward | Named] = [*migrations, *others]
        self._versions = Counter(each.version for each in everything)
        self._names = Counter(_plain(each.name) for each in everything)
        self._by_version: defaultdict[str, list[_Candidate]] = defaultdict(list)
        self._by_name: defaultdict[str, list[_Candidate]] = defaultdict(list)
        for candidate in candidates:
            if candidate.version is not None and candidate.version in self._versions:
                self._by_version[candidate.version].append(candidate)
            elif candidate.name:
                self._by_name[_plain(candidate.name)].append(candidate)

    def matching(self, migration: Forward) -> list[_Candidate]:
        """Return the candidates for a migration, the best first."""
        name = _plain(migration.name)
        same_version = self._by_version[migration.version]
        exact = [candidate for candidate in same_version if _plain(candidate.name) == name]
        if exact:
            return exact
        if same_version and self._versions[migration.version] == 1:
            return [candidate for candidate in same_version if not candidate.name] or same_version
        return self._by_name[name] if name and self._names[name] == 1 else []


def _plain(name: str) -> str:
    return re.sub(r"[._-]up$", "", name, flags=re.IGNORECASE).lower().replace("-", "_")


def _choose(migration: Forward, matching: Sequence[_Candidate], root: Path) -> RollbackScript | None:
    if not matching:
        return None
    best, *others = matching
    chosen = _read(best.path, root)
    rivals = [other.path for other in others if sources.read(other.path, root).sha256 != chosen.sha256]
    findings = list(chosen.findings)
    if rivals:
        names = ", ".join(path.relative_to(root).as_posix() for path in rivals)
        findings.append(f"its rollback script is {chosen.file}, but so could be {names}: keep one of them")
    if best.name and _plain(best.name) != _plain(migration.name):
        findings.append(f"its rollback script {chosen.file} has the same version and another name")
    return replace(chosen, findings=tuple(findings))


def _part(migration: Forward) -> RollbackScript | None:
    if not migration.undo:
        return None
    script = statements.parse(migration.undo)
    return RollbackScript(
        file=migration.file,
        path=migration.path,
        sha256=hashlib.sha256(migration.undo.encode()).hexdigest(),
        script=script,
        uses_psql=False,
        problem=_blocking(hazards.of(script), migration.file, allowed={"history"}),
    )


def _blocking(found: Sequence[hazards.Hazard], file: str, *, allowed: Set[str]) -> str | None:
    blocking = (f"{file}:{h.place}: {h.message}" for h in found if h.blocks and h.rule not in allowed)
    return next(blocking, None)


def _read(path: Path, root: Path) -> RollbackScript:
    source = sources.read(path, root)
    script = statements.parse(source.text)
    found = hazards.of(script)
    return RollbackScript(
        file=source.file,
        path=path,
        sha256=source.sha256,
        script=script,
        uses_psql=any(hazard.rule == "psql" for hazard in found),
        problem=source.problem or _blocking(found, source.file, allowed=_ALLOWED),
        findings=tuple(f"{source.file} {finding}" for finding in source.findings),
    )


# psql's language runs through psql; the history row of the migration is taken out with the script anyway.
_ALLOWED = {"psql", "history"}
