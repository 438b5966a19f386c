"""Whether the database can be reached, and what was reached: runbook staging-rehearsal.md, section 2."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from ops import database, errors, logins, pooling, queries, secrets
from ops import dsn as dsns
from ops.evidence import Evidence


class Connectivity(Evidence):
    """What answered at the address of a DSN.

    `client_address` is the address that the client's socket is connected to, a socket folder where it is
    local; `server_address` is what the server calls its own, which is not the pooler's. `tls` is this end
    of the connection, `server_tls` the server's: behind a pooler these are two connections.
    """

    database: str
    role: str
    login: str
    superuser: bool
    host: str
    client_address: str
    client_port: int
    server_address: str | None
    server_port: int | None
    seen_from: str | None
    server_version: str
    server_major: int
    tls: bool
    server_tls: bool
    server_tls_version: str | None
    now: datetime
    pooler: pooling.Pooler
    pooler_proof: str
    system_identifier: str | None
    in_recovery: bool
    read_only: bool
    remarks: tuple[str, ...] = ()


def check(
    dsn: str,
    *,
    needs_session: bool = True,
    needs_writes: bool = True,
    throw_away: bool = False,
    environment: Mapping[str, str] | None = None,
    timeout: timedelta = timedelta(seconds=10),
) -> Connectivity:
    """Connect, and say what was reached; nothing is written.

    `throw_away`: the DSN is our own and not an operator's, so it is not diagnosed. `environment` is where
    DATASTORE is looked up; default: this process's.

    Raises:
        Refused: the DSN cannot work, the server says no to the login, or what it reaches does not do.
        Unavailable: nobody answers in time, or the pool is used up.
    """
    secrets.remember(dsn)
    variables = os.environ if environment is None else environment
    problems = dsns.diagnose(dsn, needs_session=needs_session) + dsns.diagnose_environment(variables)
    if problems and not throw_away:
        raise errors.Refused(" ".join(problems))
    with _session(dsn, variables, timeout=timeout) as connection:
        found = pooling.detect(
            connection,
            lambda: _open(dsn, timeout=timeout),
            pooled_name=dsns.is_pooler_host(connection.pgconn.host.decode()),
        )
        facts = _facts(connection)
    if needs_session and not found.pooler.keeps_session:
        raise errors.Refused(_without_session(facts, found))
    if needs_writes and (facts["in_recovery"] or facts["read_only"]):
        raise errors.Refused(_without_writes(facts))
    return _evidence(facts, found, dsns.remarks(dsn))


@contextmanager
def _session(
    dsn: str, environment: Mapping[str, str], *, timeout: timedelta
) -> Generator[database.Connection]:
    try:
        connection = _open(dsn, timeout=timeout)
    except errors.OpsError as error:
        raise logins.explained(error, dsn, environment) from None
    with connection, database.translating():
        yield connection


def _open(dsn: str, *, timeout: timedelta) -> database.Connection:
    # Behind a transaction pooler a prepared statement may meet a backend that does not know it.
    return database.connect(dsn, timeout=timeout, prepare_threshold=None)


def _facts(connection: database.Connection) -> dict[str, Any]:
    link = connection.pgconn
    with connection.cursor(row_factory=dict_row) as cursor:
        facts = cursor.execute(queries.load("connectivity/facts")).fetchone() or {}
    return {
        **facts,
        "read_only": facts.pop("read_only") or facts.pop("read_only_by_default"),
        "host": link.host.decode(),
        "client_address": link.hostaddr.decode() or link.host.decode(),
        "client_port": int(link.port),
        "tls": link.ssl_in_use,
        "system_identifier": _system_identifier(connection),
    }


def _system_identifier(connection: database.Connection) -> str | None:
    try:
        row = connection.execute(queries.load("connectivity/system_identifier")).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return None
    return row[0] if row else None


def _evidence(facts: dict[str, Any], found: pooling.Found, remarks: tuple[str, ...]) -> Connectivity:
    through = "no pooler" if found.pooler is pooling.Pooler.NONE else f"a {found.pooler} pooler"
    place = f"{facts['client_address']}:{facts['client_port']}"
    return Connectivity(
        ok=True,
        summary=f"PostgreSQL {facts['server_version']} answers at {place} as {facts['role']} on database "
        f"{facts['database']}, through {through}, {'with' if facts['tls'] else 'without'} TLS.",
        rows=tuple({"question": key, "found": value} for key, value in _rows(facts, found, remarks)),
        pooler=found.pooler,
        pooler_proof=found.proof,
        remarks=remarks,
        **{key: value for key, value in facts.items() if key in Connectivity.model_fields},
    )


def _rows(facts: dict[str, Any], found: pooling.Found, remarks: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    yield "database", facts["database"]
    yield "role", f"{facts['role']} ({'superuser' if facts['superuser'] else 'not a superuser'})"
    yield "host", facts["host"]
    yield (
        "address reached",
        f"{facts['client_address']}:{facts['client_port']} ({_family(facts['client_address'])})",
    )
    yield "inet_server_addr()", f"{facts['server_address'] or 'local socket'}"
    yield "server version", facts["server_version"]
    yield "TLS of this client", "on" if facts["tls"] else "off"
    yield "TLS at the server", facts["server_tls_version"] or ("on" if facts["server_tls"] else "off")
    yield "now()", facts["now"].astimezone(UTC).isoformat(timespec="milliseconds")
    yield "pooler", f"{found.pooler}: {found.proof}"
    yield "system identifier", facts["system_identifier"] or "not shown to this role"
    for remark in remarks:
        yield "remark", remark


def _family(address: str) -> str:
    try:
        return f"IPv{ipaddress.ip_address(address.partition('%')[0]).version}"
    except ValueError:
        return "local socket"


def _without_session(facts: Mapping[str, Any], found: pooling.Found) -> str:
    return (
        f"{facts['host']}:{facts['client_port']} is a {found.pooler} pooler ({found.proof}): locks and "
        "settings of a session do not hold there, so two runs could apply at once. Use the session pooler "
        f"(port {dsns.SESSION_PORT} of the same *.pooler.supabase.com host) or the direct address."
    )


def _without_writes(facts: Mapping[str, Any]) -> str:
    if facts["in_recovery"]:
        return (
            f"Database {facts['database']} at {facts['client_address']} is a standby (in recovery), so "
            "nothing can be applied there. Use the primary's address."
        )
    return (
        f"Database {facts['database']} at {facts['client_address']} is read-only for this login "
        "(default_transaction_read_only), so nothing can be applied. Supabase sets this when the disk is "
        "nearly full: make room or enlarge the disk, then try again."
    )
