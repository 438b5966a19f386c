"""A database that cannot be reached, or not in this way: what is said, and what to do next."""

from __future__ import annotations

import secrets as random
import socket
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import conninfo

from ops import connectivity, database, dsn, embedded, errors, secrets
from tests import fix_fake_pooler, fix_listening, fix_pgbouncer
from tests.fix_listening import pooled, road

POOLER = "aws-0-eu-central-1.pooler.supabase.com"
REF = "abcdefghijklmnopqrst"

pytestmark = pytest.mark.usefixtures("no_defaults")


@pytest.mark.parametrize("through", ["directly", "session", "transaction"])
def test_a_wrong_password_comes_with_the_triage(listening: embedded.Server, through: str) -> None:
    wrong = "wr0ng/" + random.token_hex(8)
    with (
        road(listening, through) as address,
        pytest.raises(errors.Refused, match="login was refused") as caught,
    ):
        connectivity.check(conninfo.make_conninfo(address, password=wrong))
    said = str(caught.value)
    assert "(1) Confirm that DATASTORE is exactly `postgres`" in said
    assert "Reset the database password in Supabase" in said
    assert wrong not in said
    assert fix_pgbouncer.PASSWORD not in said


def test_a_database_or_role_that_is_not_there(listening: embedded.Server) -> None:
    with pytest.raises(errors.Refused, match="does not exist"):
        connectivity.check(fix_listening.address(listening, dbname="nowhere"))
    with pytest.raises(errors.Refused, match="login was refused"):
        connectivity.check(fix_listening.address(listening, user="nobody_here"))


@pytest.mark.parametrize(
    "said",
    [
        "Circuit breaker open: Too many authentication errors",
        "(ECIRCUITBREAKER) circuit breaker open for operation: auth_error",
    ],
)
def test_an_open_circuit_breaker(said: str) -> None:
    with (
        fix_fake_pooler.saying(said) as port,
        pytest.raises(errors.Refused, match="blocked new logins") as caught,
    ):
        connectivity.check(f"postgresql://postgres.{REF}:secret-word@127.0.0.1:{port}/postgres")
    assert "each further try prolongs it" in str(caught.value)
    assert "Stop the clients that still use an old password" in str(caught.value)
    assert "Reset the database password" in str(caught.value)
    assert "secret-word" not in str(caught.value)


def test_a_pooler_that_does_not_know_the_project() -> None:
    with (
        fix_fake_pooler.saying("Tenant or user not found") as port,
        pytest.raises(errors.Refused, match=r"postgres\.<project_ref>"),
    ):
        connectivity.check(f"postgresql://postgres.{REF}:secret-word@127.0.0.1:{port}/postgres")


def test_a_pooler_that_lost_the_database_may_be_tried_again() -> None:
    said = "(EAUTHQUERY) failed to retrieve database credentials"
    with fix_fake_pooler.saying(said) as port, pytest.raises(errors.Unavailable, match="Wait a minute"):
        connectivity.check(f"postgresql://postgres.{REF}:secret-word@127.0.0.1:{port}/postgres")


def test_a_closed_port(listening: embedded.Server) -> None:
    with pytest.raises(errors.Unavailable, match="refused"):
        connectivity.check(fix_listening.address(listening, port=fix_pgbouncer.free_port()))


def test_somebody_who_accepts_and_never_answers() -> None:
    with fix_fake_pooler.silent() as port, pytest.raises(errors.Unavailable, match="timeout"):
        connectivity.check(f"postgresql://postgres:x@127.0.0.1:{port}/postgres", timeout=timedelta(seconds=2))


def test_a_full_server_may_be_tried_again(listening: embedded.Server) -> None:
    fix_listening.as_superuser(listening, "alter role postgres connection limit 0")
    try:
        with pytest.raises(errors.Unavailable, match="too many connections"):
            connectivity.check(fix_listening.address(listening))
    finally:
        fix_listening.as_superuser(listening, "alter role postgres connection limit -1")


def test_a_read_only_database_is_refused_until_it_is_mended(listening: embedded.Server) -> None:
    assert connectivity.check(fix_listening.address(listening)).ok
    fix_listening.as_superuser(listening, "alter role postgres set default_transaction_read_only = on")
    try:
        with pytest.raises(errors.Refused, match="read-only for this login"):
            connectivity.check(fix_listening.address(listening))
        assert connectivity.check(fix_listening.address(listening), needs_writes=False).read_only
    finally:
        fix_listening.as_superuser(listening, "alter role postgres reset default_transaction_read_only")
    assert not connectivity.check(fix_listening.address(listening)).read_only


def test_a_pool_that_is_used_up_may_be_tried_again(listening: embedded.Server) -> None:
    with (
        pooled(listening, "session", default_pool_size="1", query_wait_timeout="1") as address,
        psycopg.connect(address) as other,
    ):
        other.execute("select 1")
        with pytest.raises(errors.Unavailable):
            connectivity.check(address, timeout=timedelta(seconds=2))


HOPELESS = {
    "is the transaction pooler": f"postgresql://postgres.{REF}:secret-word@{POOLER}:6543/postgres?sslmode=require",
    "finds this one by the user": f"postgresql://postgres:secret-word@{POOLER}:5432/postgres?sslmode=require",
    "sslmode is missing": f"postgresql://postgres.{REF}:secret-word@{POOLER}:5432/postgres",
    "only the shared pooler knows": f"postgresql://postgres.{REF}:secret-word@db.{REF}.supabase.co/postgres?sslmode=require",
    "the two were swapped": "postgres",
}


@pytest.mark.parametrize("why", HOPELESS)
def test_a_hopeless_dsn_is_refused_before_it_is_tried(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "connect", _must_not_connect)
    with pytest.raises(errors.Refused, match=why) as caught:
        connectivity.check(HOPELESS[why])
    assert "secret-word" not in str(caught.value)


def test_a_direct_host_with_only_ipv6_is_refused_before_it_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "connect", _must_not_connect)
    monkeypatch.setattr(dsn.socket, "getaddrinfo", _only_ipv6)
    monkeypatch.setattr(dsn, "has_route", _never)
    with pytest.raises(errors.Refused, match="only IPv6"):
        connectivity.check(f"postgresql://postgres:x@db.{REF}.supabase.co:5432/postgres?sslmode=require")


def test_a_database_url_in_datastore_is_refused_before_it_is_tried(
    listening: embedded.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATASTORE", "postgresql://postgres:secret-word@h/postgres")
    with monkeypatch.context() as before:
        before.setattr(database, "connect", _must_not_connect)
        with pytest.raises(errors.Refused, match="belongs in DATABASE_URL") as caught:
            connectivity.check(fix_listening.address(listening))
    assert "secret-word" not in str(caught.value)
    monkeypatch.setenv("DATASTORE", "postgres")
    assert connectivity.check(fix_listening.address(listening)).ok


def test_the_password_is_known_to_the_redaction(listening: embedded.Server) -> None:
    connectivity.check(fix_listening.address(listening))
    assert fix_pgbouncer.PASSWORD not in secrets.redact(f"login with {fix_pgbouncer.PASSWORD} failed")


def _must_not_connect(*_: object, **__: object) -> None:
    raise AssertionError("it was tried")


def _only_ipv6(*_: object, **__: object) -> list[tuple[Any, ...]]:
    return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::10", 5432, 0, 0))]


def _never(_address: object) -> bool:
    return False
