"""The project's own word on its database: the SQL contract and the pgTAP suites, run and undone."""

from __future__ import annotations

from pathlib import Path

from ops import answers, pgtap, uncommitted, undone, verdict
from ops.project import Project

CONVENTION = Path("supabase/rls_tests.sql")


def check(dsn: str, project: Project, *, bindir: Path | None = None) -> verdict.Contract:
    """Run the contract files and the suites of a project; nothing of either stays in the database.

    `bindir` is the folder of psql. A contract that the project names, or that convention expects, and that
    is not there is said in `missing`.

    Raises:
        Unavailable: the connection is lost on the way.
        Refused: the server says no, or there is no psql for a file that needs it.
    """
    files = project.contract if project.contract is not None else (CONVENTION,)
    present = [path for path in files if (project.root / path).is_file()]
    results = [_run(project, path, dsn, bindir) for path in present]
    suites = pgtap.run(project, dsn, bindir=bindir)
    missing = _missing(project, [path for path in files if path not in present])
    return suites.model_copy(update={"files": (*results, *suites.files), "missing": missing})


def _missing(project: Project, absent: list[Path]) -> str | None:
    if not absent:
        return None
    names = ", ".join(path.as_posix() for path in absent)
    return (
        f"{project.name} has no contract file {names}, so nothing asserts who may read and write what. Write one, "
        "or set `contract = []` under [project] in runbooks.toml to say that it has none."
    )


def hear(
    project: Project, path: Path, dsn: str, *, bindir: Path | None = None, data_counts: bool = True
) -> answers.Findings | verdict.ContractFile:
    """Run one file, undo it, and return what it asserted, or why it cannot be run.

    With `data_counts` what a table's own column holds is an assertion as well.

    Raises:
        Unavailable: the connection is lost on the way.
        Refused: the server says no, or there is no psql for a file that needs it.
    """
    name, full = path.as_posix(), project.root / path
    script, problem = undone.read_script(full)
    if script is None:
        return verdict.ContractFile(name=name, error=f"{name} {problem}")
    if uncommitted.needs_psql(script):
        transcript = uncommitted.run(full, dsn, root=project.root, prelude="", keep_going=True, bindir=bindir)
        return answers.of_transcript(name, transcript, data_counts=data_counts)
    found = answers.Findings(name, data_counts=data_counts)
    with undone.session(dsn) as session:
        for answer in session.run(script, file=name, keep_going=True):
            found.hear(answer)
    return found


def _run(project: Project, path: Path, dsn: str, bindir: Path | None) -> verdict.ContractFile:
    found = hear(project, path, dsn, bindir=bindir)
    return found.contract() if isinstance(found, answers.Findings) else found
