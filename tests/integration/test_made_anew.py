"""What a file takes away before it makes it anew may well exist: that is no partial apply."""

from __future__ import annotations

import pytest

from tests import projects
from tests.fix_site import MakeSite

OWNED = (
    "create table public.a (id serial primary key, note text, constraint noted check (note <> ''));\n"
    "create index a_note on public.a (note);\ncreate view public.notes as select note from public.a;\n"
)
TRIGGERED = (
    "create table public.a (id int);\n"
    "create function public.touch() returns trigger language plpgsql as $$ begin return new; end $$;\n"
    "create trigger touched before update on public.a for each row execute function public.touch();\n"
)
ANEW = {
    "a constraint, in one statement": (
        "create table public.a (id int, constraint positive check (id > 0));\n",
        "alter table public.a drop constraint positive, add constraint positive check (id > 1);\n",
    ),
    "a constraint, as an index": (
        "create table public.a (id int, constraint once unique (id));\n",
        "alter table public.a drop constraint once;\ncreate unique index once on public.a (id);\n",
    ),
    "a column, in one statement": (
        "create table public.a (id int);\n",
        "alter table public.a drop column id, add column id bigint;\n",
    ),
    "an index": (
        OWNED,
        "drop index public.a_note;\ncreate index a_note on public.a (id, note);\n",
    ),
    "a table with its index and its sequence": (
        "create table public.a (id serial, note text);\ncreate index a_note on public.a (note);\n",
        "drop table public.a;\ncreate sequence public.a_id_seq;\n"
        "create table public.a (id int, note text);\ncreate index a_note on public.a (note);\n",
    ),
    "a column with its index and its constraint": (
        "create table public.a (id int, note text, constraint noted check (note <> ''));\n"
        "create index a_note on public.a (note);\n",
        "alter table public.a drop column note;\nalter table public.a add column note text;\n"
        "alter table public.a add constraint noted check (note <> '');\ncreate index a_note on public.a (note);\n",
    ),
    "a table with the view on it": (OWNED, f"drop table public.a cascade;\n{OWNED}"),
    "a function with its trigger": (
        TRIGGERED,
        "drop function public.touch() cascade;\n" + "".join(TRIGGERED.splitlines(keepends=True)[1:]),
    ),
    "a column with the view on it": (
        OWNED,
        "alter table public.a drop column note cascade, add column note text;\n"
        "create view public.notes as select note from public.a;\n",
    ),
}
ANOTHER = {
    "an index of another table": "drop table public.b;\ncreate index a_note on public.a (id);\n",
    "an index of another table's column": (
        "alter table public.b drop column id;\ncreate index a_note on public.a (id);\n"
    ),
    "a sequence beside an index": "drop index public.a_note;\ncreate sequence public.a_id_seq;\n",
    "a table beside a cascade": "drop table public.b cascade;\ncreate table public.a (id int);\n",
}


@pytest.mark.parametrize(("first", "second"), ANEW.values(), ids=ANEW)
def test_what_is_made_anew_is_pending_and_applies(make_site: MakeSite, first: str, second: str) -> None:
    site = make_site(lambda root: projects.write(root, migrations={"1_first": first, "2_second": second}))
    site.apply("1")
    found = site.take()
    assert (found.pending, found.refusals) == (("2",), ())
    site.apply("2")


@pytest.mark.parametrize("second", ANOTHER.values(), ids=ANOTHER)
def test_what_exists_beside_it_is_a_partial_apply(make_site: MakeSite, second: str) -> None:
    first = f"{OWNED}create table public.b (id int);\n"
    site = make_site(lambda root: projects.write(root, migrations={"1_first": first, "2_second": second}))
    site.apply("1")
    assert site.entry("supabase/migrations/2_second.sql").state == "partly-applied"
