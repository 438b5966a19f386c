"""The local migration files, as the Supabase CLI lists them, and which of them must be refused.

The rules for names and order are those of the CLI's `ListLocalMigrations`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ops import errors, hazards, rollbacks, sections, sources, statements
from ops.project import Project

_NAME = re.compile(r"([0-9]+)_(.*)\.sql")
_VERSIONED = re.compile(r"([0-9]+)[._-]*(.*)")
_OLD_INIT = re.compile(r"([0-9]{14})_init\.sql")
_INIT_UNTIL = 20211209000000
# No version has it, so that no overlay passes for a migration.
OVERLAY = "overlay "


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration file.

    `file` is relative to the project's root; `sha256` is of the file's bytes; `problem` says why it must be
    refused, and is `None` when it may run; `findings` are merely odd; `undo` is the part of its text that
    takes it back, "" where the file has none. An `overlay` is applied in some environments only, after the migrations,
    here in `environment`.
    """

    file: str
    path: Path
    version: str
    name: str
    sha256: str
    script: statements.Script
    rollback: rollbacks.RollbackScript | None
    problem: str | None
    findings: tuple[str, ...]
    undo: str = ""
    overlay: bool = False
    environment: str = ""

    @property
    def key(self) -> str:
        """What the journal knows it by: a migration by its version, an overlay by its file."""
        return f"{OVERLAY}{self.file}" if self.overlay else self.version


def find(project: Project) -> tuple[Migration, ...]:
    """Return the migrations in the order in which the Supabase CLI applies them, refused ones included.

    Raises:
        Refused: the project has no migrations at all.
    """
    found = read(project)
    if not found:
        raise errors.Refused(_nothing(project))
    return found


def read(project: Project) -> tuple[Migration, ...]:
    """Return the migrations as `find` does; none are none."""
    found = tuple(read_file(path, project.root) for path in _listed(project))
    globs = {glob for environment in project.environments.values() for glob in environment.overlays}
    overlays = [named(path) for path in overlay_files(project, globs)]
    scripts = rollbacks.find(project, found, others=overlays)
    files: dict[str, list[str]] = {}
    for migration in found:
        files.setdefault(migration.version, []).append(migration.file)
    return tuple(_completed(m, files[m.version], scripts.get(m.version)) for m in found)


def paths(project: Project) -> tuple[Path, ...]:
    """Return the files of the migrations in their order, unread."""
    return tuple(_listed(project))


def skipped(project: Project) -> tuple[str, ...]:
    """Return a sentence for each file beside the migrations that does not run as one, and why."""
    sentences: list[str] = []
    for folder in _folders(project):
        entries = _entries(folder)
        stems = [entry.stem for entry in entries]
        for index, entry in enumerate(entries):
            reason = _why_not(entry, index, stems)
            if reason:
                sentences.append(f"{entry.relative_to(project.root).as_posix()} {reason}")
    return tuple(sentences)


def change_digest(migrations: Sequence[Migration]) -> str:
    """Return the SHA-256 of the ordered hashes of all migration and rollback files."""
    digest = hashlib.sha256()
    for migration in migrations:
        undo = migration.rollback.sha256 if migration.rollback else "-"
        digest.update(f"{migration.version} {migration.sha256} {undo}\n".encode())
    return digest.hexdigest()


def _folders(project: Project) -> list[Path]:
    return [project.root / folder for folder in project.migrations if (project.root / folder).is_dir()]


def _entries(folder: Path) -> list[Path]:
    # By the bytes of the names, whatever the language of the machine.
    return sorted(folder.iterdir(), key=lambda entry: os.fsencode(entry.name))


def _listed(project: Project) -> list[Path]:
    listed: list[Path] = []
    for folder in _folders(project):
        entries = _entries(folder)
        stems = [entry.stem for entry in entries]
        listed += [entry for index, entry in enumerate(entries) if _runs(entry, index, stems)]
    return sorted(listed, key=in_order)


def in_order(path: Path) -> tuple[str, bytes]:
    """Return what migrations are sorted by."""
    # By the version as text, so that 1 comes before 10 and 10 before 2: as the history table is ordered.
    return path.name.partition("_")[0], os.fsencode(path.name)


def _runs(entry: Path, index: int, stems: Sequence[str]) -> bool:
    return (
        _NAME.fullmatch(entry.name) is not None
        and (entry.is_symlink() or not entry.is_dir())
        and not _is_old_init(entry, index)
        and not rollbacks.looks_like_one(entry.stem, siblings=stems)
    )


def _is_old_init(entry: Path, index: int) -> bool:
    match = _OLD_INIT.search(entry.name)
    return index == 0 and match is not None and int(match[1]) < _INIT_UNTIL


def _why_not(entry: Path, index: int, stems: Sequence[str]) -> str | None:
    if entry.is_dir() and not entry.is_symlink():
        return _why_not_folder(entry)
    if _runs(entry, index, stems) or not entry.name.lower().endswith(".sql"):
        return None
    if _is_old_init(entry, index):
        return "is skipped, as the Supabase CLI does with an old first `_init` file; rename it to have it run"
    if _NAME.fullmatch(entry.name):
        return (
            "is taken for a rollback script and is not applied; the Supabase CLI would apply it as a "
            "migration. "
            "Move it to supabase/rollbacks"
        )
    if rollbacks.named_like_one(entry.stem):
        return None
    return "is skipped, as the Supabase CLI does: its name is not <digits>_<name>.sql"


def _why_not_folder(entry: Path) -> str | None:
    holds_sql = any(path.suffix.lower() == ".sql" for path in entry.iterdir())
    if not (holds_sql or entry.suffix.lower() == ".sql") or rollbacks.named_like_one(f"x_{entry.name}"):
        return None
    return "is a folder, which the Supabase CLI skips with all the files in it"


def _nothing(project: Project) -> str:
    names = ", ".join(str(folder) for folder in project.migrations)
    if not _folders(project):
        what = f"{project.name} has no folder {names}"
        if (project.root / "supabase" / "schemas").is_dir():
            return (
                f"{what}, only declared schemas in supabase/schemas, so there is nothing to rehearse. "
                "Run `supabase db diff -f <name>` to make a migration of them."
            )
        return f"{what}, so there is nothing to rehearse. Name the root of a Supabase project."
    aside = skipped(project)
    hint = f" {aside[0]}." if aside else ""
    return (
        f"{names} of {project.name} holds no migration (<digits>_<name>.sql), so there is nothing to "
        "rehearse."
        f"{hint} Run `supabase migration new <name>` to begin."
    )


def overlay_files(project: Project, globs: Iterable[str]) -> list[Path]:
    """Return the files of these globs, unread; rollback scripts beside them are none."""
    found = {path for glob in globs for path in project.root.glob(glob) if path.is_file()}
    stems = [path.stem for path in found]
    return sorted(path for path in found if not rollbacks.looks_like_one(path.stem, siblings=stems))


def named(path: Path) -> rollbacks.Named:
    """Return the version and the name that a file's name gives it: its leading digits, or all of it."""
    match = _VERSIONED.fullmatch(path.stem)
    return rollbacks.Named(match[1], match[2]) if match else rollbacks.Named(path.stem, path.stem)


def read_file(path: Path, root: Path) -> Migration:
    """Read one file, without its rollback script."""
    source = sources.read(path, root)
    parts = sections.split(source.text)
    script = statements.parse(parts.forth)
    found = hazards.of(script) if source.problem is None else []
    match = _NAME.fullmatch(path.name)
    blocking = next((hazard for hazard in found if hazard.blocks), None)
    notes = [f"line {hazard.statement.line}: {hazard.message}" for hazard in found if not hazard.blocks]
    return Migration(
        file=source.file,
        path=path,
        version=match[1] if match else "",
        name=match[2] if match else path.stem,
        sha256=source.sha256,
        script=script,
        rollback=None,
        undo=parts.back,
        problem=source.problem
        or (f"{source.file}:{blocking.place}: {blocking.message}" if blocking else None),
        findings=(*source.findings, *script.findings, *_of_parts(parts, path), *notes)
        if source.problem is None
        else (),
    )


def _of_parts(parts: sections.Sections, path: Path) -> list[str]:
    if not parts.back:
        return []
    return [
        f"what stands below `{parts.mark}` (line {parts.line}) is taken for its rollback and is not applied; the "
        f"Supabase CLI would run it with the rest. Move it to supabase/rollbacks/{path.name}"
    ]


def _completed(
    migration: Migration, of_version: Sequence[str], script: rollbacks.RollbackScript | None
) -> Migration:
    findings = [*migration.findings, *_odd_name(migration), *(script.findings if script else ())]
    twins = [file for file in of_version if file != migration.file]
    problem = migration.problem
    if twins and problem is None:
        problem = (
            f"{migration.file}: has the same version {migration.version} as {', '.join(twins)}, so the "
            "history "
            "can hold only one of them and the other would never be applied. Give one of them another "
            "version."
        )
    return replace(migration, rollback=script, problem=problem, findings=tuple(findings))


def _odd_name(migration: Migration) -> list[str]:
    if rollbacks.named_like_one(migration.path.stem):
        return ["is named like a rollback script, and runs as a migration, as the Supabase CLI would do"]
    return []
