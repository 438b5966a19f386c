"""The project's seed files: rows for the proofs that come after the migrations.

Source: the Supabase CLI's `[db.seed]`, which runs after all migrations.
"""

from __future__ import annotations

from pathlib import Path

import psycopg

from ops import execution, failures, psql, sources, statements, uncommitted
from ops.evidence import Evidence
from ops.project import Project
from ops.target import Target
from ops.verdict import Failure


def sow(target: Target, project: Project) -> Evidence:
    """Run each seed file in a transaction of its own; a failing one is reported and leaves nothing."""
    files = _files(project)
    if not files:
        return Evidence(
            ok=True, summary="The project has no seed file, so the proofs after this see few rows.", idle=True
        )
    failed = {file: failure for file in files if (failure := _run(target, project, file))}
    sown = f"Sown {len(files) - len(failed)} of {len(files)} seed files."
    return Evidence(
        ok=not failed,
        summary=f"{sown} {len(failed)} failed: {next(iter(failed.values()))}" if failed else sown,
        rows=tuple({"file": file, "result": str(failed.get(file) or "sown")} for file in files),
    )


def has_files(project: Project) -> bool:
    """Whether the project has a seed file."""
    return bool(_files(project))


def _files(project: Project) -> list[str]:
    if project.seed is not None:
        patterns = [str(path) for path in project.seed]
    elif project.setting("db", "seed", "enabled", default=True):
        written = project.setting("db", "seed", "sql_paths", default=["./seed.sql"])
        patterns = [f"supabase/{Path(path).as_posix().removeprefix('./')}" for path in written]
    else:
        patterns = []
    found = [path for pattern in patterns for path in sorted(project.root.glob(pattern)) if path.is_file()]
    return [path.relative_to(project.root).as_posix() for path in dict.fromkeys(found)]


def _run(target: Target, project: Project, file: str) -> Failure | None:
    source = sources.read(project.root / file, project.root)
    if source.problem:
        return failures.refusal(source.problem, file)
    script = statements.parse(source.text)
    # What it begins and throws away is its own affair, and so is what no transaction can hold.
    whole = all(unit.transactional for unit in script.units) and not script.plan.thrown_away
    if uncommitted.needs_psql(script) or not whole:
        return _through_psql(target, project, file, whole=whole)
    try:
        with target.login() as connection:
            connection.execute("begin")
            for unit in script.units:
                for statement in unit.statements:
                    execution.execute(connection, target, statement, file)
            execution.settle(connection, file)
            connection.execute("commit")
    except execution.StatementFailed as error:
        return error.failure
    except psycopg.Error as error:
        return failures.of(error, None, file)
    return None


def _through_psql(target: Target, project: Project, file: str, *, whole: bool) -> Failure | None:
    return psql.run(
        project.root / file,
        target.dsn,
        root=project.root,
        single_transaction=whole,
        before=target.timeouts.decode(),
        application=target.run,
    ).failure
