"""Integrity on real databases, of both the oldest and the newest Postgres: healthy, broken, seen, mended, gone."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from ops import duplicates, embedded, integrity
from ops.findings import Finding
from tests import fix_postgres
from tests.sound import Site

ORPHANED = "set session_replication_role = replica; {}; reset session_replication_role"
READINGS = "insert into public.readings (id, day, value, log) overriding system value"


@dataclass(frozen=True)
class Case:
    """A way to break the rows, what is then found, and how it is mended."""

    breaking: str
    mending: str
    kind: str
    about: str
    count: int
    examples: Sequence[dict[str, Any]] = ()
    wanted: dict[str, Any] | None = None
    says: str = ""


CASES = {
    "chat": Case(
        "insert into public.chat_history (log, role, content, meta) select log, role, content, meta from "
        "public.chat_history where id < 3 order by id",
        "delete from public.chat_history where id > 5",
        "duplicates",
        "public.chat_history",
        2,
        ({"id": 1}, {"id": 6}, {"id": 2}, {"id": 7}),
        says="log, role, content, meta (2 groups)",
    ),
    "chat of nothing": Case(
        "insert into public.chat_history default values; insert into public.chat_history default values",
        "delete from public.chat_history where id = 7",
        "duplicates",
        "public.chat_history",
        1,
        ({"id": 6}, {"id": 7}),
    ),
    "chat by key": Case(
        "update public.chat_history set content = 'said 1' where id = 3",
        "update public.chat_history set content = 'said 3' where id = 3",
        "duplicates",
        "public.chat_history",
        1,
        ({"id": 1}, {"id": 3}),
        {"keys": {"chat_history": ["role", "content"]}},
    ),
    "no values are values": Case(
        "insert into public.logs (message) values (null), (null), (null)",
        "delete from public.logs where id in (6, 7)",
        "duplicates",
        "public.logs",
        2,
        ({"id": 6}, {"id": 7}, {"id": 8}),
        {"keys": {"logs": {"columns": ["owner", "message"], "nulls_equal": True}}},
    ),
    "partitions": Case(
        f"{READINGS} values (0, '2024-05-06', 1, 1)",
        "delete from public.readings where id = 0",
        "duplicates",
        "public.readings",
        1,
        ({"id": 1, "day": "2024-05-05"}, {"id": 0, "day": "2024-05-06"}),
        {"keys": {"readings": ["value", "log"]}},
    ),
    "quoted": Case(
        """update "Odd Rooms"."Chat ""Big"" Room" set "A%b" = 'a'""",
        """update "Odd Rooms"."Chat ""Big"" Room" set "A%b" = "The Key" """,
        "duplicates",
        'Odd Rooms.Chat "Big" Room',
        1,
        ({"The Key": "k1"}, {"The Key": "k2"}),
        {"keys": {'Odd Rooms.Chat "Big" Room': ["A%b"]}},
    ),
    "no primary key": Case(
        "insert into public.tickets values (1, 'a'), (1, 'b')",
        "delete from public.tickets where title = 'a'",
        "duplicates",
        "public.tickets",
        1,
        ({"ctid": "(0,1)", "table": "tickets"}, {"ctid": "(0,2)", "table": "tickets"}),
        {"keys": {"tickets": ["number"]}},
    ),
    "foreign key": Case(
        ORPHANED.format("delete from public.logs where id = 4"),
        "delete from public.chat_history where log = 4",
        "orphans",
        "public.chat_history: chat_history_log_fkey",
        1,
        ({"id": 4},),
    ),
    "composite foreign key": Case(
        ORPHANED.format("delete from public.connections where one = 1"),
        "insert into public.connections values (1, 2)",
        "orphans",
        "public.notes_of_connections: both_ends",
        1,
        ({"id": 1},),
    ),
    "foreign key of partitions": Case(
        ORPHANED.format("update public.readings set log = 77 where id = 2"),
        "update public.readings set log = 1 where id = 2",
        "orphans",
        "public.readings: readings_log_fkey",
        1,
        ({"id": 2, "day": "2023-05-05"},),
    ),
    "foreign key in another schema": Case(
        ORPHANED.format("""update "Odd Rooms"."Chat ""Big"" Room" set "{x}" = 99 where "The Key" = 'k2'"""),
        """update "Odd Rooms"."Chat ""Big"" Room" set "{x}" = null where "The Key" = 'k2'""",
        "orphans",
        'Odd Rooms.Chat "Big" Room: Chat "Big" Room_{x}_fkey',
        1,
        ({"The Key": "k2"},),
    ),
    "declared relation": Case(
        "update public.notes_of_connections set habit = 50 where id = 2",
        "update public.notes_of_connections set habit = null where id = 2",
        "orphans",
        "public.notes_of_connections: (habit) to public.logs (id)",
        1,
        ({"id": 2},),
        {"relations": [{"table": "notes_of_connections", "columns": ["habit"], "to": "logs"}]},
        "no constraint guards it",
    ),
    "required": Case(
        "update public.logs set message = null where id < 5",
        "update public.logs set message = 'm' || id",
        "nulls",
        "public.logs.message",
        4,
        ({"id": 1}, {"id": 2}, {"id": 3}),
        {"required": {"logs": ["id", "message"]}},
    ),
    "identity behind": Case(
        "insert into public.logs (id, message) overriding system value values (7, 'm7'), (6, 'm6')",
        "select setval('public.logs_id_seq', (select max(id) from public.logs))",
        "sequence",
        "public.logs_id_seq of public.logs.id",
        2,
        ({"id": 7}, {"id": 6}),
        says="INSERT that gets one of them fails",
    ),
    "serial just behind": Case(
        "select setval('public.chat_history_id_seq', 4)",
        "select setval('public.chat_history_id_seq', 5)",
        "sequence",
        "public.chat_history_id_seq of public.chat_history.id",
        1,
        ({"id": 5},),
    ),
    "sequence that was never called": Case(
        "create table public.loaded (id serial primary key); insert into public.loaded values (1)",
        "select nextval('public.loaded_id_seq')",
        "sequence",
        "public.loaded_id_seq of public.loaded.id",
        1,
        ({"id": 1},),
    ),
    "sequence downwards": Case(
        "insert into public.downwards values (-3)",
        "select setval('public.countdown', -3)",
        "sequence",
        "public.countdown of public.downwards.id",
        1,
        ({"id": -3},),
        says="public.countdown",
    ),
    "identity of partitions": Case(
        f"{READINGS} values (3, '2024-07-07', 3, 3)",
        "select nextval('public.readings_id_seq')",
        "sequence",
        "public.readings_id_seq of public.readings.id",
        1,
        ({"id": 3, "day": "2024-07-07"},),
    ),
    "timestamptz": Case(
        "update public.logs set at = now() + interval '1 hour' where id = 2",
        "update public.logs set at = now() where id = 2",
        "future",
        "public.logs.at",
        1,
        ({"id": 2},),
    ),
    "timestamp": Case(
        "update public.connections set since = localtimestamp + interval '1 hour' where one = 2",
        "update public.connections set since = 'infinity' where one = 2",
        "future",
        "public.connections.since",
        1,
        ({"one": 2, "other": 3},),
    ),
    "date of partitions": Case(
        f"{READINGS} values (0, current_date + 2, 3, 3)",
        "delete from public.readings where id = 0",
        "future",
        "public.readings.day",
        1,
    ),
    "index of a broken build": Case(
        "update pg_index set indisvalid = false where indexrelid = 'public.logs_pkey'::regclass",
        "reindex index public.logs_pkey",
        "index",
        "public.logs_pkey",
        1,
        says="does not keep its columns unique",
    ),
    "index without one of a partition": Case(
        "create index by_value on only public.readings (value)",
        "drop index public.by_value",
        "index",
        "public.by_value",
        1,
    ),
    "check not valid": Case(
        "alter table public.logs add constraint long check (length(message) < 2 or message like 'm1%') not valid",
        "update public.logs set message = 'm'; alter table public.logs validate constraint long",
        "constraint",
        "public.logs: long",
        4,
        ({"id": 2}, {"id": 3}, {"id": 4}),
        says="4 of them break it",
    ),
    "foreign key not valid": Case(
        "alter table public.notes_of_connections add constraint held foreign key (habit)"
        " references public.logs not valid",
        "alter table public.notes_of_connections validate constraint held",
        "constraint",
        "public.notes_of_connections: held",
        0,
        says="and none breaks it",
    ),
    "domain not valid": Case(
        "create domain public.word as text; alter table public.tickets add w public.word;"
        "alter domain public.word add constraint short check (length(value) < 9) not valid",
        "alter domain public.word validate constraint short",
        "constraint",
        "public.word: short",
        0,
    ),
}


@pytest.fixture
def site(each_server: embedded.Server) -> Generator[Site]:
    """A database with rows in which nothing is wrong, on each server."""
    with fix_postgres.fresh_database(each_server) as name:
        yield Site.healthy(each_server, name)


def only(found: integrity.Integrity) -> Finding:
    assert [each.object for each in found.findings] == [found.findings[0].object]
    return found.findings[0]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_healthy_broken_mended(site: Site, case: Case):
    wanted = case.wanted or {}
    before = site.look(**wanted)
    assert (before.findings, before.unseen, before.ok) == ((), (), True), before.summary
    site.run(case.breaking)
    broken = site.look(**wanted)
    finding = only(broken)
    assert (finding.kind, finding.object, finding.count) == (case.kind, case.about, case.count)
    assert sorted(finding.examples, key=str) == sorted(case.examples, key=str) or not case.examples
    assert case.says in finding.why
    assert (broken.ok, broken.unseen) == (False, ())
    assert case.about in broken.summary
    site.run(case.mending)
    assert site.look(**wanted).findings == ()


@pytest.mark.parametrize(
    "name", ["chat", "chat of nothing", "no values are values", "partitions", "quoted", "no primary key"]
)
def test_many_that_are_the_same_are_counted_in_another_way(
    site: Site, name: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(duplicates, "FEW", 0)
    test_healthy_broken_mended(site, CASES[name])
