"""What is pending in an environment, and what other hands have applied there.

Source: supabase-operations.md, "Weekly" (no pending migrations in production); design.md, section 6.
"""

from __future__ import annotations

from collections.abc import Iterator

from ops import inventory, migrations, promotions
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence
from ops.inventory import Entry, Inventory

_NAMED = 5


@check("migrations")
def check_migrations(checking: Checking) -> Evidence:
    """Compare the migration files of the project with the history of the database."""
    project, where = checking.plan.project, checking.plan.environment
    found = migrations.read(project)
    with checking.reading() as connection:
        taken = inventory.take(
            connection, found, overlooked=migrations.skipped(project), out_of_order=where.out_of_order
        )
        adopted = promotions.adopted(connection)
    if not found and not taken.entries:
        return checking.idle(f"{project.name} has no migration files, and {where.name} no history of any.")
    findings = [
        *_pending(taken, where.name),
        *_contradicted(taken),
        *(_other_hands(each) for each in taken.entries if _is_strange(each, adopted)),
    ]
    return checking.found(findings, f"Nothing is pending on {where.name}: {taken.summary}", rows=taken.rows)


def _is_strange(entry: Entry, adopted: frozenset[str] | None) -> bool:
    """Whether somebody applied it beside the promotions; where nothing was ever promoted, all was applied otherwise."""
    return entry.state == "other-hands" and adopted is not None and entry.version not in adopted


def _pending(taken: Inventory, where: str) -> Iterator[Finding]:
    waiting = [each for each in taken.entries if each.version in taken.pending]
    if not waiting:
        return
    names = [each.file or each.version for each in waiting]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    yield Finding(
        kind="pending-migrations",
        object="migrations",
        severity="attention",
        said=f"{len(names)} migrations are not applied on {where}: {', '.join(names[:_NAMED])}{more}.",
        why="The app that is built with them fails where it needs them, and each day makes the change larger.",
        todo="Rehearse and promote them (runbooks staging-rehearsal, prod-promotion), or take them out of the branch.",
    )


def _contradicted(taken: Inventory) -> Iterator[Finding]:
    for each in taken.entries:
        if each.state in ("edited", "missing-file", "partly-applied", "out-of-order", "partly-rolled-back"):
            yield Finding(
                kind=f"migration-{each.state}",
                object=each.version or each.file or "",
                severity="failed" if each.state.startswith("partly") else "attention",
                said=f"{each.file or each.version}: {' '.join(map(_sentence, each.findings)) or each.state}",
                why="Files and database tell different stories, so that no promotion can build on them.",
                todo="Mend the one that is wrong; a promotion is refused until they agree.",
            )


def _sentence(said: str) -> str:
    """What is odd about a file is said without its name and without a full stop."""
    return said if said.endswith(".") else f"The file {said}."


def _other_hands(entry: Entry) -> Finding:
    return Finding(
        kind="other-hands",
        object=entry.version,
        severity="attention",
        said=f"{entry.file or entry.version} stands in the history and was applied by other hands than a promotion.",
        why="Nobody rehearsed or approved it here, and its rollback was never proven.",
        todo="Ask who applied it (a db push, or a Git integration that deploys on merge), and switch that off.",
    )
