"""A guarded database is refused however its DSN came in: known by where it leads, not by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ops import dsn as dsns
from ops import errors, secrets
from ops.project import Project

_REF = re.compile(r"^db\.([a-z0-9]+)\.supabase\.co$|\.([a-z0-9]{6,})$")

Place = tuple[str, str, str]


def refuse(project: Project, dsn: str) -> None:
    """Check that a DSN does not lead to the database of a guarded environment.

    An environment whose secret cannot be opened here is passed over: its marker is what protects it then.

    Raises:
        Refused: it does; the message names that environment.
    """
    here = places(dsn)
    for environment in project.environments.values():
        if environment.guarded and environment.database and here & _opened(environment.database):
            raise errors.Refused(
                f"This DSN leads to the database of the environment {environment.name!r}, which is guarded: a "
                "rehearsal changes the schema and is refused there. Rehearse on staging or on a throw-away "
                "database."
            )


def places(dsn: str) -> frozenset[Place]:
    """Return where a DSN leads: a Supabase project has one place, whatever road goes there."""
    fields = dsns.parse(dsn)
    database = fields.get("dbname") or fields.get("user", "")
    return frozenset(_place(host, port, fields, database) for host, port in dsns.endpoints(fields))


def _place(host: str, port: str, fields: Mapping[str, str], database: str) -> Place:
    name = host.lower()
    if dsns.is_direct_host(name) or dsns.is_pooler_host(name):
        found = _REF.search(name if dsns.is_direct_host(name) else fields.get("user", ""))
        if found:
            return "supabase", found[1] or found[2], database
    loopback = dsns.is_local(name) and not name.startswith(("/", "@"))
    return "localhost" if loopback else name, port or str(dsns.SESSION_PORT), database


def _opened(reference: str) -> frozenset[Place]:
    try:
        return places(secrets.open_secret(reference))
    except errors.Refused:
        return frozenset()
