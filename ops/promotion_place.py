"""Where the database of a promotion answers and since when its server is up: what tells it from a physical copy.

A copy has the system identifier, the rows and the record of the original. It has not its postmaster; and as long as the
original lives, not its address either. A restart or a failover changes the first, a proxy or a pooler the second: only
where both are others is it taken for a copy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ops import audit_store, database, dsn, errors, promotions, queries, secrets
from ops.promoting import Promoting
from ops.promotions import Begun

Place = Mapping[str, str]
NOTHING_DONE = "Nothing was applied."


def read(connection: database.Connection) -> Place:
    """Return the address by which a database was reached, as its DSN has it, and since when its server is up."""
    found = {each.keyword.decode(): (each.val or b"").decode() for each in connection.pgconn.info}
    at = ",".join(f"{host or 'local'}:{port}" for host, port in dsn.endpoints(found)).lower()
    # A shared pooler has one address for all projects, and knows them by the user's name.
    if dsn.is_pooler_host(found["host"]):
        at += f" {found['user'].rpartition('.')[2]}"
    with database.translating():
        ((up,),) = connection.execute(queries.load("promotions/up_since")).fetchall()
    return {"at": secrets.redact(at), "up_since": up.astimezone(UTC).isoformat()}


def verify_asked(promoting: Promoting) -> None:
    """See that the database is the one about which this run has asked, if it has.

    Raises:
        Refused: it may be a copy.
    """
    then = _asked(promoting)
    if not then:
        return
    if said := _moved(promoting, then):
        raise errors.Refused(
            f"This run has asked about {said}. {NOTHING_DONE} Put the DSN back and retry the run; or, if this is the "
            "database that is meant, start a new one: it asks for an approval of this database."
        )
    _say(promoting, then, "the question")


def verify_begun(promoting: Promoting, begun: Begun) -> str:
    """Return why the database may be a copy of the one in which a plan was begun; nothing if it is that one."""
    then: Place | None = begun.kept.get("place")
    if not then:
        return ""
    if said := _moved(promoting, then):
        return f"it was begun in {said}"
    _say(promoting, then, "the plan was last at work")
    return ""


def keep(promoting: Promoting) -> None:
    """Keep where a plan that goes on was last seen, now that it is known to be its database."""
    begun = promoting.begun
    if begun and begun.kept.get("place") != promoting.place:
        promotions.keep(promoting.connection, begun, place=dict(promoting.place))


def _asked(promoting: Promoting) -> Place | None:
    """Return the place of this run's last question: an older copy does not have it, and the evidence store has."""
    store = audit_store.Store.of(promoting.plan.project.root, promoting.plan.environment.name)
    with database.translating():
        ((there, _),) = promoting.connection.execute(queries.load("audit/guarded")).fetchall()
        asked = {"run": promoting.run_id, "gate": "promote"}
        rows = promoting.connection.execute(queries.load("audit/places"), asked).fetchall() if there else []
    places: list[tuple[datetime, Place]] = [(at, place) for at, place in rows]
    for row in audit_store.after(store.lines(), 0):
        if (row.get("event"), row.get("run"), row.get("gate")) == ("asked", *asked.values()):
            place: Any = row.get("details", {}).get("place")
            places += [(datetime.fromisoformat(row["at"]), place)] if place else []
    return max(places, key=lambda each: (each[0], json.dumps(each[1])))[1] if places else None


def _moved(promoting: Promoting, then: Place) -> str:
    now = promoting.place
    if now["at"] == then["at"] or now["up_since"] == then["up_since"]:
        return ""
    return (
        f"the database at {then['at']}, whose server was up since {then['up_since']}; the one that answers now is at "
        f"{now['at']}, up since {now['up_since']}. It has the same identifier, and may be a copy or a restored backup "
        "of it"
    )


def _say(promoting: Promoting, then: Place, since: str) -> None:
    said = (
        f"The server at {promoting.place['at']} was started after {since}, as by a restart or a failover. Were it a "
        "copy that has been given this address, nothing here would tell."
    )
    if promoting.place["up_since"] != then["up_since"] and said not in promoting.findings:
        promoting.findings.append(said)
