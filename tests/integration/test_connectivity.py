"""Which database answers and over which road: directly, with real TLS, and through a real PgBouncer."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo

from ops import connectivity, embedded, errors
from ops.pooling import Pooler
from tests import fix_listening, fix_pgbouncer, fix_tls
from tests.fix_listening import pooled, road
from tests.polling import wait_until

pytestmark = pytest.mark.usefixtures("no_defaults")


def _shown(found: connectivity.Connectivity) -> dict[str, str]:
    return {row["question"]: row["found"] for row in found.rows}


# What is found


def test_a_direct_address(listening: embedded.Server) -> None:
    found = connectivity.check(fix_listening.address(listening))
    assert found.ok
    assert (found.database, found.role, found.superuser) == ("postgres", "postgres", False)
    assert (found.client_address, found.client_port) == ("127.0.0.1", listening.port)
    assert (found.server_address, found.server_port) == ("127.0.0.1", listening.port)
    assert (found.pooler, found.server_major, found.server_version) == (
        Pooler.NONE,
        listening.major,
        listening.version,
    )
    assert (found.tls, found.server_tls, found.server_tls_version) == (False, False, None)
    assert abs(datetime.now(UTC) - found.now) < timedelta(minutes=1)
    assert found.system_identifier
    assert found.system_identifier.isdigit()
    shown = _shown(found)
    assert shown["address reached"] == f"127.0.0.1:{listening.port} (IPv4)"
    assert shown["TLS at the server"] == "off"
    assert shown["now()"].endswith("+00:00")


def test_a_local_socket(listening: embedded.Server) -> None:
    found = connectivity.check(listening.dsn())
    assert (found.client_address, found.server_address, found.tls) == (listening.host, None, False)
    assert _shown(found)["address reached"].endswith("(local socket)")
    assert _shown(found)["inet_server_addr()"] == "local socket"


def test_a_name_and_the_address_behind_it(listening: embedded.Server) -> None:
    found = connectivity.check(fix_listening.address(listening, host="localhost", hostaddr="127.0.0.1"))
    assert (found.host, found.client_address) == ("localhost", "127.0.0.1")


def test_tls_is_seen_on_both_ends(tls_server: embedded.Server) -> None:
    found = connectivity.check(fix_listening.address(tls_server, sslmode="require"))
    assert (found.tls, found.server_tls, found.server_tls_version) == (True, True, "TLSv1.3")
    assert _shown(found)["TLS at the server"] == "TLSv1.3"
    assert not connectivity.check(fix_listening.address(tls_server, sslmode="disable")).tls


def test_tls_that_is_verified(tls_server: embedded.Server, tmp_path: Path) -> None:
    root = str(shutil.copy(tls_server.data / "server.crt", tmp_path / "root.crt"))
    verified = {"hostaddr": "127.0.0.1", "sslmode": "verify-full"}
    address = fix_listening.address(tls_server, host="localhost", sslrootcert=root, **verified)
    assert connectivity.check(address).tls
    with pytest.raises(errors.Refused, match="certificate"):
        connectivity.check(conninfo.make_conninfo(address, host="another.example"))
    _, stranger = fix_tls.certify(tmp_path)
    with pytest.raises(errors.Refused, match="certificate"):
        connectivity.check(conninfo.make_conninfo(address, sslrootcert=str(stranger)))


def test_tls_that_the_server_does_not_have(listening: embedded.Server) -> None:
    with pytest.raises(errors.Refused, match="does not support SSL"):
        connectivity.check(fix_listening.address(listening, sslmode="require"))


# Through PgBouncer


@pytest.mark.parametrize("size", ["1", "5"])
def test_a_session_pooler(listening: embedded.Server, size: str) -> None:
    with pooled(listening, "session", default_pool_size=size) as address:
        found = connectivity.check(address)
    assert found.pooler is Pooler.SESSION
    assert found.pooler_proof
    assert "through a session pooler" in found.summary


def test_the_address_reached_stands_beside_the_servers_own(listening: embedded.Server) -> None:
    with pooled(listening, "session", listen_addr="127.0.0.1,127.0.0.2") as address:
        found = connectivity.check(conninfo.make_conninfo(address, host="127.0.0.2"))
    assert found.client_address == "127.0.0.2"
    assert found.client_port != listening.port
    assert (found.server_address, found.server_port) == ("127.0.0.1", listening.port)
    assert _shown(found)["address reached"] == f"127.0.0.2:{found.client_port} (IPv4)"
    assert _shown(found)["inet_server_addr()"] == "127.0.0.1"


def test_tls_behind_a_pooler(tls_server: embedded.Server) -> None:
    with pooled(tls_server, "session", server_tls_sslmode="require") as address:
        found = connectivity.check(address)
    assert (found.tls, found.server_tls) == (False, True)


def test_tls_in_front_of_a_pooler(listening: embedded.Server) -> None:
    with fix_pgbouncer.pgbouncer("127.0.0.1", listening.port, mode="session", tls=True) as address:
        found = connectivity.check(conninfo.make_conninfo(address, sslmode="require"))
    assert (found.tls, found.server_tls) == (True, False)
    assert _shown(found)["TLS of this client"] == "on"
    assert _shown(found)["TLS at the server"] == "off"


@pytest.mark.parametrize("size", ["1", "5"])
@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_a_pooler_without_sessions_is_refused_where_one_is_needed(
    listening: embedded.Server, mode: str, size: str
) -> None:
    with pooled(listening, mode, default_pool_size=size) as address:
        with pytest.raises(errors.Refused, match=f"is a {mode} pooler") as caught:
            connectivity.check(address)
        assert "port 5432" in str(caught.value)
        found = connectivity.check(address, needs_session=False)
    assert found.pooler is Pooler(mode)


def test_a_busy_transaction_pooler_is_still_known(listening: embedded.Server) -> None:
    with (
        pooled(listening, "transaction", default_pool_size="3") as address,
        psycopg.connect(address) as one,
        psycopg.connect(address) as two,
    ):
        one.execute("select 1")
        two.execute("select 1")
        found = connectivity.check(address, needs_session=False)
    assert found.pooler is Pooler.TRANSACTION


@pytest.mark.parametrize("mode", ["directly", "transaction"])
def test_nothing_stays_open(listening: embedded.Server, mode: str) -> None:
    open_transactions = "select count(*) from pg_stat_activity where usename = 'postgres' and state <> 'idle'"
    with (
        road(listening, mode) as address,
        psycopg.connect(listening.dsn(user=listening.superuser)) as connection,
    ):
        connection.autocommit = True
        connectivity.check(address, needs_session=False)
        wait_until(lambda: connection.execute(open_transactions).fetchone() == (0,))
