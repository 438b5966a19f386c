"""Connection strings, diagnosed before they are tried: a wrong one should cost a sentence, not a timeout.

Sources: staging-rehearsal.md sections 1 and 9, deploy-gate.md (authentication failure triage). No sentence
carries a password: of a value that may hold one, only the kind of mistake is named.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import psycopg
from psycopg import conninfo

from ops import errors, pasted

SESSION_PORT, TRANSACTION_PORT = 5432, 6543
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_POOLER_HOST = re.compile(r"\.pooler\.supabase\.(com|co)$", re.IGNORECASE)
_DIRECT_HOST = re.compile(r"^db\.(?P<ref>[a-z0-9]+)\.supabase\.co$", re.IGNORECASE)
_POOLER_USER = re.compile(r"^[^.\s]+\.[a-z0-9]{6,}$")

Resolve = Callable[..., Iterable[tuple[Any, ...]]]


def parse(dsn: str) -> dict[str, str]:
    """Return the fields of a URL or conninfo string, by libpq's own parser.

    Raises:
        Refused: it is neither; the message does not quote it.
    """
    try:
        return {key: str(value) for key, value in conninfo.conninfo_to_dict(dsn).items()}
    except psycopg.Error as error:
        known = re.search(r'invalid (?:URI query parameter|connection option)[^"]*"(\w+)"', str(error))
        what = f"it has the unknown option {known[1]!r}" if known else "libpq cannot take it apart"
        raise errors.Refused(
            f"The DSN is not a connection string ({what}), so nothing can connect with it. "
            "Write postgresql://user:password@host:port/database?sslmode=require."
        ) from None


def endpoints(fields: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the (host, port) pairs that libpq would try, in order; a port may be empty."""
    hosts = (fields.get("host") or fields.get("hostaddr") or os.environ.get("PGHOST", "")).split(",")
    ports = (fields.get("port") or os.environ.get("PGPORT", "")).split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    return tuple((host, ports[at] if at < len(ports) else "") for at, host in enumerate(hosts))


def is_pooler_host(host: str) -> bool:
    """Whether the name is one of Supabase's shared poolers."""
    return _POOLER_HOST.search(host) is not None


def is_pooler_user(user: str) -> bool:
    """Whether the name is one that a shared pooler knows: a role and the project's reference."""
    return _POOLER_USER.match(user) is not None


def is_direct_host(host: str) -> bool:
    """Whether the name is a project's own server, which has only IPv6 unless IPv4 was bought."""
    return _DIRECT_HOST.match(host) is not None


def is_local(host: str) -> bool:
    """Whether no network lies between us and the host: a socket folder or the loopback range."""
    return host.startswith(("/", "@", "127.")) or host in ("localhost", "::1")


def diagnose(dsn: str, *, needs_session: bool = True, resolve: Resolve | None = None) -> tuple[str, ...]:
    """Return why the DSN cannot work, a sentence each; empty when it may be tried.

    `needs_session`: the caller relies on session state (locks, settings), which a transaction pooler drops.
    """
    if sentence := pasted.wrong(dsn):
        return (sentence,)
    try:
        fields = parse(dsn)
    except errors.Refused as error:
        return (str(error),)
    found = [_no_host(fields), _port(fields), _user(fields), _database(fields), _tls(fields)]
    if needs_session:
        found.append(_transaction_port(fields))
    if not any(found):
        found.append(_ipv6_only(fields, resolve or socket.getaddrinfo))
    return tuple(sentence for sentence in found if sentence)


def diagnose_environment(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return what is wrong with DATASTORE, which must be exactly `postgres` (deploy-gate.md, triage 2)."""
    value = environment.get("DATASTORE")
    if value is None or value == "postgres":
        return ()
    if "://" in value or "host=" in value:
        return (
            "DATASTORE holds a connection string, which belongs in DATABASE_URL; the app would find no data "
            "store of that name. Set DATASTORE=postgres and move the string to DATABASE_URL.",
        )
    return (
        f"DATASTORE is {value[:20]!r} and not exactly 'postgres', so the app would not use this database. "
        "Set DATASTORE=postgres.",
    )


def remarks(dsn: str) -> tuple[str, ...]:
    """Return what is odd about a DSN that may still work, a sentence each."""
    fields = parse(dsn)
    password, found = fields.get("password", ""), list[str]()
    unencoded = [sign for sign in "#?" if sign in pasted.userinfo(dsn)]
    if unencoded:
        found.append(
            f"The password has an unencoded {' and '.join(unencoded)}: libpq accepts it, the Supabase CLI "
            "and others cut the URL there. Percent-encode it."
        )
    if password.startswith("[") and password.endswith("]"):
        found.append("The password stands in square brackets; if they come from the template, remove them.")
    if any(is_pooler_host(host) and not port for host, port in endpoints(fields)):
        found.append(f"The port is missing; libpq takes {SESSION_PORT}, the session pooler. Write it out.")
    remote = any(not is_local(host) for host, _ in endpoints(fields))
    mode = _ssl_mode(fields)
    if remote and mode in ("disable", "allow", "prefer"):
        found.append(
            f"sslmode={mode} lets a remote connection go without TLS. Set sslmode=require or stricter."
        )
    return tuple(found)


def _no_host(fields: Mapping[str, str]) -> str | None:
    if "service" in fields or "PGSERVICE" in os.environ or all(host for host, _ in endpoints(fields)):
        return None
    return (
        "The DSN names no host, so libpq would look for a server on this machine. Write the host; for a "
        "local socket, host=/folder/of/the/socket."
    )


def _port(fields: Mapping[str, str]) -> str | None:
    for host, port in endpoints(fields):
        if port and not port.isdigit():
            return (
                f"The port after {host or 'the host'} is not a number, so nothing can connect. Write "
                f"{SESSION_PORT}; an IPv6 address stands in [brackets]."
            )
        if port and not 0 < int(port) < 65536:
            return f"The port {port} does not exist, so nothing can connect. Write {SESSION_PORT}."
    return None


def _user(fields: Mapping[str, str]) -> str | None:
    user = fields.get("user") or os.environ.get("PGUSER", "")
    for host, port in endpoints(fields):
        by_option = "reference" in fields.get("options", "")
        if is_pooler_host(host) and not by_option and not _POOLER_USER.match(user):
            return (
                f"The user is {user!r}, but {host} is a pooler that serves many projects and finds this one "
                "by the user: it would answer 'Tenant or user not found'. Write postgres.<project_ref>."
            )
        direct = _DIRECT_HOST.match(host)
        if direct and user.endswith(f".{direct['ref']}"):
            return (
                f"The user is {user!r}, which only the shared pooler knows; {host}:{port or SESSION_PORT} "
                f"has no such role. Write {user.rpartition('.')[0]!r}, or use the session pooler's host."
            )
    return None


def _database(fields: Mapping[str, str]) -> str | None:
    if any(is_pooler_host(host) for host, _ in endpoints(fields)) and not fields.get("dbname"):
        return (
            "The DSN names no database, so libpq would ask the pooler for one called like the user, which "
            "does not exist. Add /postgres after the port."
        )
    return None


def _tls(fields: Mapping[str, str]) -> str | None:
    mode = _ssl_mode(fields)
    if mode and mode not in _SSL_MODES:
        return f"sslmode is {mode!r}, which libpq does not know. Write one of {', '.join(_SSL_MODES)}."
    remote = [host for host, _ in endpoints(fields) if host and not is_local(host)]
    if remote and not mode and "service" not in fields:
        return (
            f"sslmode is missing and {remote[0]} is not this machine, so the password and the data could "
            "cross the network without TLS. Add sslmode=require (?sslmode=require at the end of a URL)."
        )
    return None


def _ssl_mode(fields: Mapping[str, str]) -> str:
    return fields.get("sslmode") or os.environ.get("PGSSLMODE", "")


def _transaction_port(fields: Mapping[str, str]) -> str | None:
    for host, port in endpoints(fields):
        if port == str(TRANSACTION_PORT) and host.lower().endswith((".supabase.com", ".supabase.co")):
            pooled = is_pooler_host(host)
            cure = (
                f"Write port {SESSION_PORT} on the same host" if pooled else "Use the session pooler's host"
            )
            return (
                f"Port {port} of {host} is the transaction pooler, where a session's locks and settings end "
                f"with each transaction, and this runbook needs a session. {cure}."
            )
    return None


def _ipv6_only(fields: Mapping[str, str], resolve: Resolve) -> str | None:
    for host, port in endpoints(fields):
        if host.startswith(("/", "@")) or not host:
            return None
        try:
            found = list(resolve(host, int(port or SESSION_PORT), type=socket.SOCK_STREAM))
        except OSError:
            return None  # libpq will say so in its own words
        only_ipv6 = bool(found) and all(entry[0] == socket.AF_INET6 for entry in found)
        if not only_ipv6 or any(has_route(entry[4]) for entry in found):
            return None
    hosts = ", ".join(host for host, _ in endpoints(fields))
    return (
        f"{hosts} has only IPv6 addresses and this machine has no IPv6 route to them, so nobody would "
        "answer. Use the session pooler (aws-<n>-<region>.pooler.supabase.com, port 5432, user "
        "postgres.<project_ref>), which answers on IPv4."
    )


def has_route(address: tuple[Any, ...]) -> bool:
    """Whether this machine has a route to an IPv6 address."""
    # Connecting a datagram socket sends nothing: the kernel only looks for a route.
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.connect(address)
    except OSError:
        return False
    return True
