"""The project's seed files: rows for the proofs that come after the migrations.

Source: the Supabase CLI's `[db.seed]`, which runs after all migrations.
"""

from __future__ import annotations

from pathlib import Path

import psycopg

from ops import apply, psql, statements
from ops.evidence import Evidence
from ops.project import Project
from ops.target import Target
from ops.verdict import Failure


def sow(target: Target, project: Project) -> Evidence:
    """Run each seed file in a transaction of its own; a failing one is reported and leaves nothing."""
    files = _files(project)
    failures = {file: failure for file in files if (failure := _run(target, project.root / file, file))}
    rows = tuple({"file": file, "result": str(failures.get(file) or "sown")} for file in files)
    if not files:
        return Evidence(
            ok=True, summary="The project has no seed file, so the proofs after this see few rows."
        )
    failed = f" {len(failures)} failed: {next(iter(failures.values()))}" if failures else ""
    return Evidence(
        ok=not failures,
        summary=f"Sown {len(files) - len(failures)} of {len(files)} seed files.{failed}",
        rows=rows,
    )


def _files(project: Project) -> list[str]:
    if project.seed is not None:
        patterns = [str(path) for path in project.seed]
    elif project.setting("db", "seed", "enabled", default=True):
        written = project.setting("db", "seed", "sql_paths", default=["./seed.sql"])
        patterns = [f"supabase/{Path(path).as_posix().removeprefix('./')}" for path in written]
    else:
        patterns = []
    return [
        found.relative_to(project.root).as_posix()
        for pattern in patterns
        for found in sorted(project.root.glob(pattern))
        if found.is_file()
    ]


def _run(target: Target, path: Path, file: str) -> Failure | None:
    try:
        script = statements.parse(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        return Failure(message=f"not UTF-8 at byte {error.start}", file=file)
    if script.meta_commands:
        return psql.run(path, target.dsn, single_transaction=True).failure
    try:
        with target.login() as connection, connection.transaction():
            for unit in script.units:
                for statement in unit.statements:
                    apply.execute(connection, target, statement, file)
            apply.settle(connection, file)
    except apply.StatementFailed as error:
        return error.failure
    except psycopg.Error as error:
        return Failure(message=str(error), sqlstate=error.sqlstate, file=file)
    return None
