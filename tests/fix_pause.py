"""An app that writes, on a database whose writes are paused, and what can be seen of both."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from ops import database, project, write_pause, write_pause_journal, write_pause_proof
from ops.evidence import Evidence
from ops.write_pause import Site
from ops.write_pause_journal import Record
from tests import fix_app, projects
from tests.polling import wait_until

TABLES = """\
create table public.notes (id bigint generated always as identity primary key, body text not null default '');
create table public."Odd table" (id serial primary key, "a b" text, other int);
insert into public.notes (body) select 'note ' || n from generate_series(1, 5) as n;
insert into public."Odd table" ("a b") values ('x');
grant update ("a b") on public."Odd table" to anon;
revoke insert, update, delete, truncate on public."Odd table" from authenticated;
grant select, insert on public."Odd table" to authenticated with grant option;
grant insert on public.notes to public;
create view public.seen as select id, body from public.notes;
create function public.write_by_owner() returns void language sql security definer set search_path = ''
    as $$ insert into public.notes (body) values ('by the owner') $$;
create function public.may_see() returns boolean language sql security definer as $$ select true $$;
alter table public.notes enable row level security;
create policy everybody on public.notes for all using (public.may_see());
"""
CONFIG = """\
[environments.production]
database = "file:{secret}"
lock_timeout = "PT2M"
[environments.production.pause]
quiet = "PT0.3S"
patience = "PT20S"
{more}
"""
ACLS = """\
select 'relation', c.oid::text, 0, a.* from pg_class c cross join lateral aclexplode(c.relacl) a
union all select 'column', t.attrelid::text, t.attnum, a.* from pg_attribute t cross join lateral aclexplode(t.attacl) a
union all select 'function', f.oid::text, 0, a.*
    from pg_proc f cross join lateral aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a
union all select 'schema', n.oid::text, 0, a.* from pg_namespace n cross join lateral aclexplode(n.nspacl) a
    where n.nspname <> 'runbooks'
union all select 'database', d.oid::text, 0, a.* from pg_database d cross join lateral aclexplode(d.datacl) a
    where d.datname = current_database()
union all select 'default', d.oid::text, 0, a.* from pg_default_acl d cross join lateral aclexplode(d.defaclacl) a
union all select 'setting', s.setconfig::text, 0, s.setrole, s.setdatabase, '', false from pg_db_role_setting s
order by 1, 2, 3, 4, 5, 6, 7
"""
OWN = """\
select c.oid::text from pg_class c where c.relnamespace = to_regnamespace('runbooks')
union all select f.oid::text from pg_proc f where f.pronamespace = to_regnamespace('runbooks')
"""

FORGED = """\
insert into runbooks.write_pauses (number, incident, event, environment, run, at, details)
values (%(number)s, %(incident)s, %(event)s, 'production', 'forged', clock_timestamp(), %(details)s::jsonb)
"""


def write(root: Path, dsn: str, *, more: str = "") -> Path:
    """Write the project, with its DSN in a file beside it, and return it."""
    secret = root / "shop.dsn"
    secret.write_text(dsn, "utf-8")
    return projects.write(root / "shop", config=CONFIG.format(secret=secret, more=more), migrations={})


def site(root: Path, dsn: str, run: str = "run") -> Site:
    operated = project.load(root)
    return Site(operated, operated.environment("production"), dsn, run)


def pause(site: Site) -> Evidence:
    return write_pause.pause(site, uuid4().hex, begun={"why": "a test"}, take_up=_nothing)


def _nothing(connection: database.Connection, record: Record) -> dict[str, object]:
    return {}


def forge(dsn: str, event: str, details: dict[str, Any], incident: str = "") -> None:
    """Put a row into the record, as somebody does who may write to that table and to nothing else."""
    with database.connect(dsn, writes=True) as connection:
        write_pause_journal.prepare(connection)
        newest = "select incident, number from runbooks.write_pauses order by number desc limit 1"
        last = connection.execute(newest).fetchone() or ("forged", 0)
        values = {"number": last[1] + 1, "incident": incident or last[0], "event": event}
        connection.execute(FORGED, {**values, "details": json.dumps(details)})


def prove(site: Site) -> Evidence:
    return write_pause_proof.prove(site.dsn, site.environment.pause, run=site.run)


def acls(dsn: str) -> list[tuple[object, ...]]:
    """Return every right on everything in a database, but for what is our own, and its settings."""
    own = {oid for (oid,) in fix_app.ask(dsn, OWN)}
    return [row for row in fix_app.ask(dsn, ACLS) if row[1] not in own]


class Writer:
    """A client of the app that writes for as long as it can, each time in a transaction, in one open session."""

    def __init__(self, dsn: str, *, role: str = "", before: str = "", text: str = "") -> None:
        self.written = 0
        self.error: psycopg.Error | None = None
        self._text = text or "insert into public.notes (body) values ('written')"
        self._stop = threading.Event()
        self._connection = psycopg.connect(dsn, autocommit=True, application_name="the app")
        for said in (f"set role {role}" if role else "", before):
            if said:
                self._connection.execute(said.encode())
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def _write(self) -> None:
        try:
            while not self._stop.wait(0.005):
                with self._connection.transaction():
                    self._connection.execute(self._text.encode())
                self.written += 1
        except psycopg.Error as error:
            self.error = error

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(20)
        self._connection.close()


@contextmanager
def writers(*made: Callable[[], Writer]) -> Generator[list[Writer]]:
    """Let clients write, from when each of them has written once."""
    found = [make() for make in made]
    try:
        wait_until(lambda: all(each.written for each in found))
        yield found
    finally:
        for each in found:
            each.stop()
