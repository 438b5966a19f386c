"""Which change soaks: the project's files, held against what the environment's database says is applied."""

from __future__ import annotations

import hashlib

from ops import database, errors, history, inventory, migrations, queries, repository, soak_record
from ops.evidence import Evidence
from ops.migrations import Migration
from ops.project import Environment, Project
from ops.soak import Soaking
from ops.soak_record import Change


def find_change(soaking: Soaking) -> Evidence:
    """Say which change is applied on the environment, and whether its soak goes on, is over, or begins.

    Raises:
        Refused: the environment lacks files of the project, or has others.
    """
    plan, connection = soaking.plan, soaking.connection
    found = migrations.find(plan.project)
    there = inventory.take(connection, found, out_of_order=plan.environment.out_of_order)
    if there.pending or there.refusals:
        why = there.refusals[0] if there.refusals else f"{len(there.pending)} migrations are pending there"
        raise errors.Refused(
            f"What is in {plan.project.name} is not what {plan.environment.name} has, so it cannot soak there: {why}. "
            "Rehearse it there first."
        )
    soak_record.prepare(connection)
    commit = repository.find(plan.project.root)
    soaking.change = Change(
        migrations_digest=migrations.change_digest(found),
        overlays_digest=_overlays(plan.project, plan.environment),
        applied=_applied(connection, found),
        commit=commit.hash if commit else None,
    )
    soaking.record = soak_record.read(connection, plan.environment.name, plan.project.name)
    soaking.why_anew = _why_anew(soaking)
    soaking.over = not soaking.why_anew and soaking.record is not None and soaking.record.verdict != "soaking"
    return Evidence(
        ok=True,
        summary=f"Change {soaking.change.migrations_digest[:12]} on {plan.environment.name}: {_stands(soaking)}.",
        rows=({"what": "change", **soaking.change.model_dump()},),
    )


def _stands(soaking: Soaking) -> str:
    if soaking.why_anew or soaking.record is None:
        return f"a soak begins, since {soaking.why_anew}"
    if soaking.over:
        return f"its soak has {soaking.record.verdict}"
    return f"it soaks since {soaking.record.began_at:%Y-%m-%d %H:%M} UTC"


def _why_anew(soaking: Soaking) -> str:
    record, change = soaking.record, soaking.change
    if record is None or change is None:
        return "there was none before"
    if soaking.plan.anew:
        return "it was asked for"
    if not record.is_of(change):
        return "what is applied there has changed"
    return ""


def _overlays(operated: Project, where: Environment) -> str:
    digest = hashlib.sha256()
    for glob in where.overlays:
        for path in sorted(operated.root.glob(glob)):
            if path.is_file():
                digest.update(f"{path.relative_to(operated.root).as_posix()} ".encode())
                digest.update(f"{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _applied(connection: database.Connection, found: tuple[Migration, ...]) -> str:
    """Return what the history and the journal say is applied, as one digest."""
    rows = history.read(connection, {each.version: each.sha256 for each in found}).applied
    digest = hashlib.sha256()
    for row in rows:
        digest.update(f"{row.version} {row.name} {row.sha256}\n".encode())
    with database.translating():
        presence = connection.execute(queries.load("inventory/presence")).fetchall()
        if any(name == "runbooks.journal" and there for name, there, _, _ in presence):
            (last,) = connection.execute(queries.load("soak/journaled")).fetchone() or (0,)
            digest.update(f"journal {last}\n".encode())
    return digest.hexdigest()
