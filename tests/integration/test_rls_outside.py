"""What a trial of row level security would do outside its transaction is not done: the table is not tried."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path

import psycopg
import pytest

from ops import database, errors, rls_contract, rls_trial
from ops.rls_contract import TableContract

# A call of another server, as `http` and `pg_net` make it: a program of the server that leaves a trace in a file.
CALL = """\
create function public.http_post(uri text, content text) returns text language plpgsql security definer
set search_path = '' as $$ begin
copy (select 'called') to program 'cat > /dev/null; echo called >> {trace}'; return 'sent'; end $$;
create function public.send() returns text language plpgsql immutable as
$$ begin return public.http_post('http://example.invalid', 'new'); end $$;
create function public.sends() returns trigger language plpgsql as
$$ begin perform public.send(); return coalesce(new, old); end $$;
grant execute on function public.http_post, public.send, public.sends to public;
create table public.orders (id bigint generated always as identity primary key, owner_id uuid not null, said text);
create table public.log (id bigint generated always as identity primary key, said text);
create table public.plain (id bigint generated always as identity primary key, said text);
grant all on public.orders, public.log, public.plain to anon, authenticated, service_role;
"""
WAYS = {
    "a trigger's function calls another": (
        "create trigger t after insert on public.orders for each row execute function public.sends()",
        "the trigger t",
    ),
    "a default": ("alter table public.orders add sent text default public.send()", "the default of sent"),
    "a generated column": (
        "alter table public.orders add sent text generated always as (public.send()) stored",
        "the default of sent",
    ),
    "a check": ("alter table public.orders add constraint c check (public.send() <> said)", "the check c"),
    "the check of a domain": (
        "create domain public.word as text check (public.send() <> value);"
        "alter table public.orders add word public.word default 'a'",
        "the check word_check",
    ),
    "a policy": (
        "alter table public.orders enable row level security;"
        "create policy p on public.orders using (public.send() = 'sent')",
        "the policy p",
    ),
    "a rule": ("create rule r as on update to public.orders do also select public.send()", "the rule r"),
    "an index": ("create index i on public.orders (public.send())", "the index i"),
    "a trigger of a table that a trigger writes": (
        "create trigger t after insert on public.log for each row execute function public.sends();"
        "create function public.noted() returns trigger language plpgsql as $$ begin "
        "insert into public.log (said) values (new.said); return new; end $$;"
        "create trigger noted after insert on public.orders for each row execute function public.noted()",
        "the trigger noted",
    ),
    "a trigger of what a delete reaches": (
        "create table public.lines (id bigint primary key, "
        "order_id bigint not null references public.orders on delete cascade);"
        "insert into public.orders (owner_id) values (gen_random_uuid()); insert into public.lines select 1, id from "
        "public.orders; create trigger t after delete on public.lines for each row execute function public.sends()",
        "the trigger t",
    ),
    "a trigger of a partition": (
        "drop table public.orders; "
        "create table public.orders (id bigint primary key, said text) partition by range (id);"
        "create table public.first partition of public.orders default;"
        "create trigger t after insert on public.first for each row execute function public.sends()",
        "the trigger t",
    ),
    "a text that is put together": (
        "create function public.hidden() returns trigger language plpgsql as $$ begin "
        "execute 'select public.se' || 'nd()'; return new; end $$;"
        "create trigger t after insert on public.orders for each row execute function public.hidden()",
        "the trigger t",
    ),
    "a function in the standard's own words": (
        "create function public.atomic() returns text language sql begin atomic select public.send(); end;"
        "alter table public.orders add sent text default public.atomic()",
        "the default of sent",
    ),
    "an operator in the text of a function": (
        "create function public.same(a text, b text) returns boolean language sql immutable as "
        "$$ select public.send() = a $$; create operator public.=== (function = public.same, leftarg = text, "
        "rightarg = text); create function public.asks() returns boolean language sql as "
        "$$ select 'a' operator(public.===) 'b' $$; alter table public.orders add asked boolean default public.asks()",
        "the default of asked",
    ),
    "an aggregate": (
        "create function public.adds(a text, b text) returns text language sql as $$ select public.send() || a $$;"
        "create aggregate public.sums (text) (sfunc = public.adds, stype = text, initcond = '');"
        "alter table public.orders enable row level security;"
        "create policy p on public.orders using ((select public.sums(v) from (values ('a')) as v (v)) <> '')",
        "the policy p",
    ),
    "an operator": (
        "create function public.same(a text, b text) returns boolean language sql immutable as "
        "$$ select public.send() = a $$; create operator public.=== (function = public.same, leftarg = text, "
        "rightarg = text); alter table public.orders add constraint c check (said operator(public.===) 'a')",
        "the check c",
    ),
}


def tried(dsn: str) -> dict[str, TableContract]:
    with database.connect(dsn) as connection:
        return rls_trial.run(connection, schemas=["public"], samples={}).contract.tables


@pytest.fixture
def run(shaped_admin: str) -> Callable[[str], None]:
    def execute(text: str) -> None:
        with psycopg.connect(shaped_admin, autocommit=True) as connection:
            connection.execute(text.encode())

    return execute


@pytest.fixture
def trace(run: Callable[[str], None]) -> Generator[Path]:
    """The file that is written by whatever calls outside; the server's user is another one, who may enter here."""
    with tempfile.TemporaryDirectory(prefix="outside-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o777)
        path = folder / "trace"
        path.touch()
        path.chmod(0o666)
        run(CALL.format(trace=path))
        yield path


@pytest.mark.parametrize("way", WAYS)
def test_what_would_call_outside_is_not_done(
    shaped_admin: str, trace: Path, run: Callable[[str], None], way: str
):
    text, named = WAYS[way]
    run(text)
    trace.write_text("", "utf-8")
    found = tried(shaped_admin)
    untried = found["public.orders"].untried or ""
    assert trace.read_text("utf-8") == ""
    assert named in untried
    assert "no transaction takes back" in untried
    assert found["public.plain"].untried is None


def test_the_stand_in_for_a_call_leaves_its_trace(shaped_admin: str, trace: Path, run: Callable[[str], None]):
    run(WAYS["a trigger's function calls another"][0])
    with psycopg.connect(shaped_admin) as connection:
        connection.execute("insert into public.orders (owner_id) values (gen_random_uuid())")
        connection.rollback()
    assert trace.read_text("utf-8") == "called\n"


def test_the_chain_of_calls_is_named(shaped_admin: str, trace: Path, run: Callable[[str], None]):
    assert trace.exists()
    run(WAYS["a trigger's function calls another"][0])
    untried = tried(shaped_admin)["public.orders"].untried
    assert untried == (
        "the trigger t (public.sends > public.send) calls http_post(), which no transaction takes back. "
        "Try it on a copy of the database that reaches nobody."
    )


def test_nobody_is_signed_up_where_a_trigger_calls_outside_through_another_function(
    shaped_admin: str, trace: Path, run: Callable[[str], None]
):
    run("create trigger t after insert on auth.users for each row execute function public.sends()")
    with pytest.raises(errors.Refused, match=r"the trigger t \(public\.sends > .*Try it on a copy"):
        tried(shaped_admin)
    assert trace.read_text("utf-8") == ""


def test_a_row_that_must_point_to_a_table_that_calls_outside_is_not_made(
    shaped_admin: str, trace: Path, run: Callable[[str], None]
):
    run(
        "create table public.lines (id bigint primary key, order_id bigint not null references public.orders);"
        + WAYS["a trigger's function calls another"][0]
    )
    untried = tried(shaped_admin)["public.lines"].untried or ""
    assert trace.read_text("utf-8") == ""
    assert "a row of public.orders" in untried


def test_what_only_reads_a_table_that_calls_outside_when_it_is_written_is_tried(
    shaped_admin: str, trace: Path, run: Callable[[str], None]
):
    run(
        WAYS["a trigger's function calls another"][0]
        + "; alter table public.plain enable row level security;"
        + "create policy p on public.plain using (exists (select from public.orders))"
    )
    found = tried(shaped_admin)
    assert (found["public.plain"].untried, trace.read_text("utf-8")) == (None, "")


@pytest.mark.parametrize(
    "body",
    [
        "perform pg_notify('orders', new.id::text)",
        "execute 'select 1'",
        "execute $q$ select $1 $q$ using new.id",
        "-- execute whatever || it is\n /* copy x to program 'y' */ null",
        "insert into public.log (said) values ('execute || order')",
    ],
)
def test_what_a_rollback_takes_back_is_tried(
    shaped_admin: str, trace: Path, run: Callable[[str], None], body: str
):
    assert trace.exists()
    run(
        f"create function public.well() returns trigger language plpgsql as $f$ begin {body}; return new; end $f$;"
        "create trigger t after insert on public.orders for each row execute function public.well()"
    )
    assert tried(shaped_admin)["public.orders"].untried is None


@pytest.mark.parametrize("body", ["perform dblink_exec('x', 'y')", "perform setval('public.log_id_seq', 9)"])
def test_what_is_not_taken_back_is_not_tried(
    shaped_admin: str, trace: Path, run: Callable[[str], None], body: str
):
    assert trace.exists()
    run(
        f"create function public.ill() returns trigger language plpgsql as $$ begin {body}; return new; end $$;"
        "create trigger t after insert on public.orders for each row execute function public.ill()"
    )
    assert "no transaction takes back" in (tried(shaped_admin)["public.orders"].untried or "")


def test_a_number_that_is_counted_by_name_is_said(shaped_admin: str, trace: Path, run: Callable[[str], None]):
    assert trace.exists()
    run(
        "create sequence public.bills; create function public.counts() returns trigger language plpgsql as "
        "$$ begin new.said := nextval('public.bills'); return new; end $$;"
        "create trigger t before insert on public.orders for each row execute function public.counts()"
    )
    with database.connect(shaped_admin) as connection:
        trial = rls_trial.run(connection, schemas=["public"], samples={})
    assert trial.contract.tables["public.orders"].untried is None
    assert any("public.bills went on" in each for each in trial.touched)


def test_a_foreign_table_is_outside(shaped_admin: str, trace: Path, run: Callable[[str], None]):
    assert trace.exists()
    run(
        "create extension if not exists postgres_fdw; create server far foreign data wrapper postgres_fdw;"
        "create foreign table public.far (id bigint) server far;"
        "create view public.seen as select id from public.far;"
        "alter table public.orders enable row level security;"
        "create policy p on public.orders using (exists (select from public.seen))"
    )
    assert "the foreign table public.far" in (tried(shaped_admin)["public.orders"].untried or "")


def test_the_reason_is_in_the_contract_as_it_is_committed(
    shaped_admin: str, trace: Path, run: Callable[[str], None]
):
    assert trace.exists()
    run(WAYS["a policy"][0])
    with database.connect(shaped_admin) as connection:
        found = rls_trial.run(connection, schemas=["public"], samples={}).contract
    said = json.loads(rls_contract.text(found))["tables"]["public.orders"]["untried"]
    assert said.startswith("the policy p")
