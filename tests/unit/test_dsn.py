"""A connection string that cannot work is told in a sentence, without its password and before it is tried."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from ops import dsn, errors

REF = "abcdefghijklmnopqrst"
POOLER = "aws-0-eu-central-1.pooler.supabase.com"
SESSION = f"postgresql://postgres.{REF}:secret-word@{POOLER}:5432/postgres?sslmode=require"
DIRECT = f"postgresql://postgres:secret-word@db.{REF}.supabase.co:5432/postgres?sslmode=require"


@pytest.fixture(autouse=True)
def _no_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGPORT", "PGUSER", "PGSSLMODE", "PGSERVICE", "PGDATABASE"):
        monkeypatch.delenv(name, raising=False)


def ipv4(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.10", 5432))]


def ipv6(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
    # A documentation prefix: no machine has a route of its own to it, and one without IPv6 has none at all.
    return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::10", 5432, 0, 0))]


def never(_address: object) -> bool:
    return False


def always(_address: object) -> bool:
    return True


def unknown(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
    raise socket.gaierror(-2, "Name or service not known")


@pytest.mark.parametrize(
    "good",
    [
        SESSION,
        SESSION.replace("postgresql:", "postgres:"),
        SESSION.replace("postgres." + REF, "app_user." + REF),
        f"host={POOLER} port=5432 user=postgres.{REF} password='a b' dbname=postgres sslmode=verify-full",
        f"postgresql://postgres:p%40ss@{POOLER}/postgres?sslmode=require&options=reference%3D{REF}",
        "postgresql://postgres:postgres@127.0.0.1:54322/postgres",
        "postgresql://postgres@localhost/postgres",
        "postgresql://postgres@/postgres?host=/var/run/postgresql",
        "service=staging",
        "postgresql://u:p@one.example,two.example:5433/app?sslmode=require",
        "postgresql://u:p@[2001:db8::1]:5432/app?sslmode=require",
    ],
)
def test_what_can_work_is_not_held_up(good: str) -> None:
    assert dsn.diagnose(good, resolve=ipv4) == ()


WRONG = {
    "": "is empty",
    "   ": "is empty",
    "postgres": "DATASTORE",
    "sqlite": "DATASTORE",
    f"DATABASE_URL={SESSION}": "whole line that sets DATABASE_URL",
    f'export DATABASE_URL="{SESSION}"': "whole line that sets DATABASE_URL",
    f'psql "{SESSION}"': "whole command",
    f'"{SESSION}"': "quotes",
    f"{SESSION}\n": "line break",
    "https://abcdefghijklmnopqrst.supabase.co": "web address",
    "mysql://u:p@h/db": "mysql:",
    "postgresql+asyncpg://u:p@h/db": "postgresql+asyncpg:",
    "jdbc:postgresql://h:5432/postgres?user=u": "jdbc:",
    "eyJhbGciOiJIUzI1NiJ9.e30.x": "API key",
    f"sbp_{'0123456789' * 4}": "API key",
    "$DATABASE_URL": "variable",
    SESSION.replace("secret-word", "${DB_PASSWORD}"): "variable",
    SESSION.replace("secret-word", "[YOUR-PASSWORD]"): "placeholder [YOUR-PASSWORD]",
    SESSION.replace("secret-word", "p@ss"): "unencoded @",
    SESSION.replace("secret-word", "p/ss"): "unencoded /",
    SESSION.replace("secret-word", "100%"): "unencoded %",
    SESSION.replace("sslmode", "sslmod"): "unknown option 'sslmod'",
    "host=h port=5432 user=u colour=blue": "unknown option 'colour'",
    "just words": "cannot take it apart",
    "postgresql://postgres:x@/postgres?sslmode=require": "names no host",
    SESSION.replace(":5432", ":54x2"): "not a number",
    SESSION.replace(":5432", ":70000"): "port 70000 does not exist",
    SESSION.replace(f"postgres.{REF}", "postgres"): "finds this one by the user",
    SESSION.replace(f"postgres.{REF}", "postgres.").replace(REF, ""): "finds this one by the user",
    DIRECT.replace("postgres:secret", f"postgres.{REF}:secret"): "only the shared pooler knows",
    SESSION.replace("/postgres?", "?"): "names no database",
    SESSION.replace("?sslmode=require", ""): "sslmode is missing",
    DIRECT.replace("?sslmode=require", ""): "sslmode is missing",
    SESSION.replace("sslmode=require", "sslmode=on"): "sslmode is 'on'",
    SESSION.replace(":5432", ":6543"): "is the transaction pooler",
    DIRECT.replace(":5432", ":6543"): "is the transaction pooler",
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: f"{WRONG[text]}|{text[:30]}")
def test_what_cannot_work_is_named(text: str) -> None:
    sentences = dsn.diagnose(text, resolve=ipv4)
    assert WRONG[text] in " ".join(sentences)
    assert "secret-word" not in " ".join(sentences)
    assert all(sentence.endswith(".") for sentence in sentences)


def test_several_mistakes_are_told_at_once() -> None:
    text = f"postgresql://postgres:secret-word@{POOLER}:6543/postgres"
    told = " ".join(dsn.diagnose(text, resolve=ipv4))
    assert "postgres.<project_ref>" in told
    assert "sslmode is missing" in told
    assert "transaction pooler" in told


def test_the_transaction_port_will_do_where_no_session_is_needed() -> None:
    assert dsn.diagnose(SESSION.replace(":5432", ":6543"), needs_session=False, resolve=ipv4) == ()


def test_a_port_6543_of_ones_own_server_is_not_taken_for_a_pooler() -> None:
    assert dsn.diagnose("postgresql://u:p@127.0.0.1:6543/postgres", resolve=ipv4) == ()


def test_a_direct_host_with_only_ipv6_is_told_before_it_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dsn, "has_route", never)
    (told,) = dsn.diagnose(DIRECT, resolve=ipv6)
    assert "only IPv6" in told
    assert "session pooler" in told


def test_an_ipv6_host_with_a_route_may_be_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dsn, "has_route", always)
    assert dsn.diagnose(DIRECT, resolve=ipv6) == ()


def test_one_address_of_two_that_has_ipv4_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dsn, "has_route", never)
    assert dsn.diagnose(DIRECT, resolve=lambda *_, **__: [*ipv6(), *ipv4()]) == ()


def test_a_name_that_nobody_knows_is_left_to_libpq() -> None:
    assert dsn.diagnose(DIRECT, resolve=unknown) == ()


def test_the_kernel_is_asked_for_a_route_and_nothing_is_sent() -> None:
    assert dsn.has_route(("::1", 9, 0, 0)) in (True, False)


def test_fields_come_from_libpqs_own_parser() -> None:
    fields = dsn.parse("postgresql://u:p%40%2F%3A@h:5433/d?sslmode=require&options=-c%20a%3Db")
    assert fields == {
        "user": "u", "password": "p@/:", "host": "h", "port": "5433", "dbname": "d",
        "sslmode": "require", "options": "-c a=b",
    }  # fmt: skip


def test_what_is_no_connection_string_is_refused_without_a_quote_of_it() -> None:
    with pytest.raises(errors.Refused, match="not a connection string") as caught:
        dsn.parse("top secret words")
    assert "secret" not in str(caught.value)


def test_each_host_has_its_port() -> None:
    assert dsn.endpoints({"host": "a,b", "port": "1,2"}) == (("a", "1"), ("b", "2"))
    assert dsn.endpoints({"host": "a,b", "port": "1"}) == (("a", "1"), ("b", "1"))
    assert dsn.endpoints({"hostaddr": "192.0.2.1"}) == (("192.0.2.1", ""),)


def test_a_host_of_the_process_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", POOLER)
    monkeypatch.setenv("PGUSER", "postgres")
    monkeypatch.setenv("PGSSLMODE", "require")
    assert "finds this one by the user" in " ".join(dsn.diagnose("dbname=postgres", resolve=ipv4))


@pytest.mark.parametrize("value", [None, "postgres"])
def test_a_datastore_that_is_right_or_absent_is_fine(value: str | None) -> None:
    assert dsn.diagnose_environment({"DATASTORE": value} if value else {}) == ()


@pytest.mark.parametrize("value", [SESSION, "host=h password=secret-word"])
def test_a_url_pasted_into_datastore_is_told_without_a_quote_of_it(value: str) -> None:
    (told,) = dsn.diagnose_environment({"DATASTORE": value})
    assert "belongs in DATABASE_URL" in told
    assert "secret-word" not in told


def test_another_datastore_is_named() -> None:
    (told,) = dsn.diagnose_environment({"DATASTORE": "Postgres"})
    assert "'Postgres'" in told
    assert "Set DATASTORE=postgres" in told


def test_what_is_odd_and_may_still_work_is_remarked() -> None:
    odd = f"postgresql://postgres.{REF}:[secret#word]@{POOLER}/postgres?sslmode=prefer"
    said = " ".join(dsn.remarks(odd))
    assert "unencoded #" in said
    assert "square brackets" in said
    assert "port is missing" in said
    assert "sslmode=prefer" in said
    assert "secret" not in said


def test_a_sound_one_has_no_remarks() -> None:
    assert dsn.remarks(SESSION) == ()
    assert dsn.remarks("postgresql://postgres:postgres@127.0.0.1:54322/postgres") == ()
