"""The project's verification scripts and smoke SQL, run on the result and undone.

What counts: an error is a failure, and so is a row that says it is wrong: a boolean that is not true, FAIL in a text,
`not ok` of TAP, in a result or in a notice. What a table's own column holds is data and no such word, unless the query
gives it a name, or it is called ok, passed, valid or the like. A script that says nothing of that kind, as a smoke test
does, has only to run. Source: database-pipeline.md, "How the PR Gate Works".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ops import contract, copies, verdict
from ops.project import Project

VERIFY = ("supabase/verify/**/*.sql",)
SMOKE = ("scripts/smoke.sql",)


def find(project: Project) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Return the scripts, verification before smoke, and the configured globs that nothing matches.

    Files that others include are not scripts of their own.
    """
    chosen = project.pull_request
    globs = [
        *(VERIFY if chosen.verify is None else chosen.verify),
        *(SMOKE if chosen.smoke is None else chosen.smoke),
    ]
    asked = {*(chosen.verify or ()), *(chosen.smoke or ())}
    found: dict[Path, None] = {}
    missing: list[str] = []
    for glob in globs:
        paths = sorted(path for path in project.root.glob(glob) if path.is_file())
        if not paths and glob in asked:
            missing.append(glob)
        found.update(dict.fromkeys(paths))
    included = set(_included(project, list(found)))
    scripts = (path for path in found if path.resolve() not in included)
    return tuple(path.relative_to(project.root) for path in scripts), tuple(missing)


def run(
    project: Project, paths: Sequence[Path], dsn: str, *, bindir: Path | None = None
) -> tuple[verdict.ContractFile, ...]:
    """Run each script on its own connection; nothing of it stays in the database.

    Raises:
        Unavailable: the connection is lost on the way.
        Refused: the server says no, or there is no psql for a file that needs it.
    """
    return tuple(_run(project, path, dsn, bindir) for path in paths)


def fails(file: verdict.ContractFile) -> bool:
    """Whether a script has shown that something is wrong."""
    return bool(file.failed or file.error)


def _run(project: Project, path: Path, dsn: str, bindir: Path | None) -> verdict.ContractFile:
    found = contract.hear(project, path, dsn, bindir=bindir, data_counts=False)
    if isinstance(found, verdict.ContractFile):
        return found
    return verdict.ContractFile(name=found.file) if found.silent else found.contract()


def _included(project: Project, paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        text = path.read_bytes().decode("utf-8", "replace")
        for included in copies.includes(path, text, root=project.root):
            yield included.path
