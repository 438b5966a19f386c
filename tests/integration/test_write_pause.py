"""Writes paused on a real database while an app writes, and given back exactly as they were."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import psycopg
import pytest

from ops import errors, write_pause
from ops.write_pause import Site
from tests import fix_app, fix_pause
from tests.fix_pause import Writer

OVERRIDING = "set default_transaction_read_only = off"
IN_TRANSACTION = "begin; insert into public.notes (body) values ('open')"


@pytest.fixture
def site(tmp_path: Path, shaped: str) -> Site:
    fix_app.execute(shaped, fix_pause.TABLES)
    return fix_pause.site(fix_pause.write(tmp_path, shaped), shaped)


def count(dsn: str) -> int:
    return fix_app.ask(dsn, "select count(*) from public.notes")[0][0]


def test_those_who_write_are_stopped_and_everything_comes_back_exactly(site: Site, shaped: str):
    before = fix_pause.acls(shaped)
    assert not fix_pause.prove(site).ok, "the proof must see that nothing is paused"
    made = (
        partial(Writer, shaped, role="service_role"),
        partial(Writer, shaped, role="anon", before=OVERRIDING),
        partial(Writer, shaped, before=OVERRIDING),
        partial(Writer, shaped, role="anon", text="select public.write_by_owner()"),
    )
    with fix_pause.writers(*made) as writers:
        done = fix_pause.pause(site)
        assert done.ok
        proven = fix_pause.prove(site)
        assert proven.ok, proven.summary
        assert [each.error and each.error.sqlstate for each in writers] == ["57P01"] * 4 or all(
            each.error for each in writers
        )
    there = count(shaped)
    with psycopg.connect(shaped, autocommit=True) as owner:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            owner.execute("insert into public.notes default values")
        owner.execute(OVERRIDING)
        for role in ("anon", "authenticated", "service_role"):
            owner.execute(f"set role {role}".encode())
            assert owner.execute("select count(*) from public.notes").fetchone() == (there,), (
                "reading goes on"
            )
            for text in (
                "insert into public.notes default values",
                'update public."Odd table" set "a b" = null',
                "select nextval('public.\"Odd table_id_seq\"')",
                "select public.write_by_owner()",
                "delete from public.seen",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    owner.execute(text.encode())
    again = fix_pause.pause(site)
    assert again.idle, again.summary
    assert count(shaped) == there

    back = write_pause.resume(site)
    assert back.ok, back.summary
    assert fix_pause.acls(shaped) == before
    assert write_pause.resume(site).idle, "a second time gives nothing back"
    assert fix_pause.acls(shaped) == before


def test_what_a_session_has_begun_and_what_is_prepared_is_named(site: Site, shaped: str, shaped_admin: str):
    fix_pause.pause(site)
    with psycopg.connect(shaped_admin, autocommit=True) as other:
        other.execute(OVERRIDING)
        other.execute(IN_TRANSACTION)
        found = fix_pause.prove(site)
        assert not found.ok
        assert f"session {other.info.backend_pid}" in found.summary
        other.execute("rollback")
    assert fix_pause.prove(site).ok


def test_a_role_that_writes_by_another_way_is_named(site: Site, shaped_admin: str):
    fix_pause.pause(site)
    with psycopg.connect(shaped_admin, autocommit=True) as admin:
        admin.execute(OVERRIDING)
        admin.execute("grant pg_write_all_data to service_role")
        try:
            found = fix_pause.prove(site)
        finally:
            admin.execute("revoke pg_write_all_data from service_role")
    assert not found.ok
    assert {
        "what": "public.notes",
        "found": "service_role can write it by a right it has",
        "ok": False,
    } in found.rows


def test_nothing_paused_is_refused_to_be_resumed(site: Site):
    with pytest.raises(errors.Refused, match="Nothing is paused"):
        write_pause.resume(site)
