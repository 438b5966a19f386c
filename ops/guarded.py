"""A guarded database is known by where it leads and by what it says, never by its name or by how its DSN came in.

Source: design.md, section 6 ("Targets are recognised by identity").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from ops import app_settings, database, errors, project, queries, secrets
from ops import dsn as dsns
from ops.attempts import LOGGER
from ops.project import Environment, Project

_REF = re.compile(r"^db\.([a-z0-9]+)\.supabase\.co$|\.([a-z0-9]{6,})$")
_PATIENCE = timedelta(seconds=5)

Place = tuple[str, str, str]


def refuse(operated: Project, dsn: str) -> None:
    """Check that a DSN does not lead to the database of a guarded environment.

    Raises:
        Refused: it does; the message names that environment.
    """
    found, _ = _owner(dsn, [each for each in operated.environments.values() if each.guarded])
    if found:
        raise errors.Refused(
            f"This DSN leads to the database of the environment {found!r}, which is guarded: a "
            "rehearsal changes the schema and is refused there. Rehearse on staging or on a throw-away "
            "database."
        )


def verify(root: Path, where: Environment, *, reference: str | None = None) -> None:
    """Check that a gate of this environment does not open a database that another one guards better.

    `reference` names the database that is acted on where it is not the environment's own.

    Raises:
        Refused: it is the database of a guarded environment of the same project, which asks for more.
    """
    named = reference or where.database
    if named is None:
        return
    others = [each for each in project.load(root).environments.values() if each.name != where.name]
    stricter = [each for each in others if each.guarded and not _as_careful(where, each)]
    if not stricter:
        return
    try:
        dsn = app_settings.open_reference(named, root)
    except errors.Refused:
        # Without it nobody logs in there either.
        return
    found, unsaid = _owner(dsn, stricter)
    for said in unsaid:
        LOGGER.warning("%s", said)
    if found:
        raise errors.Refused(
            f"The database of the environment {where.name!r} is that of the environment {found!r}, which is guarded: "
            f"nothing is approved there under another name. Run this on {found!r}, or mend the DSN of {where.name!r}."
        )


def places(dsn: str) -> frozenset[Place]:
    """Return where a DSN leads: a Supabase project has one place, whatever road goes there."""
    fields = dsns.parse(dsn)
    database = fields.get("dbname") or fields.get("user", "")
    return frozenset(_place(host, port, fields, database) for host, port in dsns.endpoints(fields))


def _as_careful(where: Environment, other: Environment) -> bool:
    return (
        where.guarded
        and where.approvers == other.approvers
        and where.approvals >= other.approvals
        and where.four_eyes >= other.four_eyes
        and where.break_glass <= other.break_glass
    )


def _owner(dsn: str, guarded: Iterable[Environment]) -> tuple[str, list[str]]:
    """Return the name of the one whose database this is, if any; and what could not be compared.

    What the DSNs say comes first, since that asks nobody.
    """
    unsaid: list[str] = []
    known: dict[str, str] = {}
    for each in guarded:
        try:
            known |= {each.name: secrets.open_secret(each.database)} if each.database else {}
        except errors.Refused:
            # Its marker is what protects it then.
            unsaid.append(f"The DSN of {each.name!r} cannot be opened here, so nothing was compared with it.")
    for name, there in known.items():
        if places(dsn) & places(there):
            return name, unsaid
    here = _said(dsn) if known else None
    for name, there in known.items():
        says = _said(there) if here else None
        if here and says == here:
            return name, unsaid
        if says is None:
            unsaid.append(
                f"This database or that of {name!r} does not answer, so their DSNs alone were compared."
            )
    return "", unsaid


def _said(dsn: str) -> tuple[Any, ...] | None:
    """Return what tells a database from every other one; `None` where it does not answer."""
    try:
        with (
            database.connect(dsn, application="runbooks (which database)", timeout=_PATIENCE) as connection,
            database.translating(),
        ):
            return connection.execute(queries.load("guarded/place")).fetchone()
    except errors.OpsError:
        return None


def _place(host: str, port: str, fields: Mapping[str, str], database: str) -> Place:
    name = host.lower()
    if dsns.is_direct_host(name) or dsns.is_pooler_host(name):
        found = _REF.search(name if dsns.is_direct_host(name) else fields.get("user", ""))
        if found:
            return "supabase", found[1] or found[2], database
    loopback = dsns.is_local(name) and not name.startswith(("/", "@"))
    return "localhost" if loopback else name, port or str(dsns.SESSION_PORT), database
