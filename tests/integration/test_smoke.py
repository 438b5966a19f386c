"""The smoke writes what the app writes, sees what would stop the app, and leaves nothing that a reader could see."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest

from ops import embedded, errors, smoke
from ops.deploy_verdict import Found
from tests import fix_app, fix_command, fix_listening
from tests.polling import wait_until

NAMED = 'tables = ["logs", "chat_history", "connections"]'


@pytest.fixture
def app(shaped: str) -> str:
    fix_app.execute(shaped, fix_app.TABLES)
    return shaped


def smoked(project: Path) -> tuple[Found, list[str]]:
    with fix_app.look(project) as gate:
        return smoke.check(gate), gate.findings


def test_each_table_takes_a_row_and_keeps_nothing(app: str, shaped_admin: str, tmp_path: Path):
    before = fix_app.contents(shaped_admin)
    found, findings = smoked(fix_app.write(tmp_path, app))
    assert found.ok, found.summary
    assert [(row["table"], row["came to"]) for row in found.rows] == [
        ("public.logs", "deleted"),
        ("public.chat_history", "deleted"),
        ("public.connections", "deleted"),
    ]
    assert findings == ["The AI path is not checked: [deploy] names no ai_key."]
    assert fix_app.contents(shaped_admin) == before


@pytest.mark.parametrize("rows", ["", fix_app.ROWS], ids=["empty", "with rows"])
def test_not_even_a_number_of_a_trigger_is_used_up(app: str, shaped_admin: str, tmp_path: Path, rows: str):
    fix_app.execute(app, fix_app.AUDITED + rows)
    before = fix_app.contents(shaped_admin)
    assert smoked(fix_app.write(tmp_path, app))[0].ok
    assert fix_app.contents(shaped_admin) == before
    fix_app.execute(app, "insert into public.audit (what) values ('by the app')")
    assert fix_app.ask(app, "select max(id) from public.audit") == [(len(before["public.audit"]) + 1,)]


COUNTING = {
    "a trigger of a partition": "create trigger counted before insert on public.part"
    " for each row execute function public.counted()",
    "a trigger of a partition of a partition": "alter table public.odd detach partition public.part;"
    "create table public.middle partition of public.odd default partition by range (id);"
    "alter table public.middle attach partition public.part default;"
    "create trigger counted after insert on public.part for each row execute function public.counted()",
    "a default that names it as a text": "alter table public.odd add n bigint not null default"
    " nextval('public.numbers'::text)",
    "a check": "alter table public.odd add constraint counted check (public.number() > 0)",
}


@pytest.mark.parametrize("by", COUNTING)
def test_a_number_is_not_used_up_by(app: str, shaped_admin: str, tmp_path: Path, by: str):
    fix_app.execute(
        app,
        "create sequence public.numbers;"
        "create function public.number() returns bigint language sql as $$ select nextval('public.numbers') $$;"
        "create function public.counted() returns trigger language plpgsql as $$ begin"
        " perform public.number(); return new; end $$;"
        "create table public.odd (id int not null, said text) partition by range (id);"
        f"create table public.part partition of public.odd default; {COUNTING[by]}",
    )
    before = fix_app.contents(shaped_admin)
    fix_app.execute(app, "insert into public.odd values (1, 'it counts')")
    assert fix_app.contents(shaped_admin)["public.numbers"] != before["public.numbers"]
    before = fix_app.contents(shaped_admin)
    found, _ = smoked(fix_app.write(tmp_path, app, deploy='tables = ["odd"]'))
    assert found.ok, found.summary
    assert fix_app.contents(shaped_admin) == before


def test_a_sequence_of_others_that_moves_meanwhile_is_named(app: str, shaped_admin: str, tmp_path: Path):
    fix_app.execute(app, fix_app.AUDITED)
    fix_app.execute(
        shaped_admin, "create sequence public.theirs; grant usage on sequence public.theirs to postgres"
    )
    fix_app.execute(
        app,
        "create function public.counted() returns trigger language plpgsql as $$ begin"
        " perform nextval('public.theirs'); return new; end $$;"
        "create trigger counted before insert on public.connections for each row execute function public.counted()",
    )
    _, findings = smoked(fix_app.write(tmp_path, app))
    assert any(finding.startswith("The sequence public.theirs went on") for finding in findings)


BREAKS = {
    "no insert": ("revoke insert on public.logs from app", "42501"),
    "no update": ("revoke update on public.logs from app", "42501"),
    "no delete": ("revoke delete on public.logs from app", "42501"),
    "no select": ("revoke select on public.logs from app", "42501"),
    "a policy hides it": (
        "alter table public.logs enable row level security;"
        "create policy writes on public.logs for insert with check (true)",
        "cannot be read back",
    ),
    "a policy against changes": (
        "alter table public.logs enable row level security;"
        "create policy reads on public.logs for select using (true);"
        "create policy writes on public.logs for insert with check (true)",
        "not changed",
    ),
    "a policy against deleting": (
        "alter table public.logs enable row level security;"
        "create policy reads on public.logs for select using (true);"
        "create policy changes on public.logs for update using (true);"
        "create policy writes on public.logs for insert with check (true)",
        "not deleted",
    ),
    "a trigger that raises": (
        "create function public.no() returns trigger language plpgsql as $$ begin raise 'not today'; end $$;"
        "create trigger no before insert on public.logs for each row execute function public.no()",
        "not today",
    ),
    "a deferred trigger that raises": (
        "create function public.no() returns trigger language plpgsql as $$ begin raise 'not today'; end $$;"
        "create constraint trigger no after insert on public.logs deferrable initially deferred"
        " for each row execute function public.no()",
        "not today",
    ),
    "a trigger that swallows the change": (
        "create function public.no() returns trigger language plpgsql as $$ begin return old; end $$;"
        "create trigger no before update on public.logs for each row execute function public.no()",
        "the change of the row is taken and reads as before",
    ),
    "a trigger that keeps what was there": (
        "create function public.no() returns trigger language plpgsql as $$ begin"
        " new.body := old.body; new.size := old.size + 1; return new; end $$;"
        "create trigger no before update on public.logs for each row execute function public.no()",
        "the change of the row is taken and reads as before",
    ),
    "a rule that swallows the change": (
        "create rule no as on update to public.logs do instead nothing",
        "not changed",
    ),
    "a check that nothing made up meets": (
        "alter table public.logs add check (length(body) = 3)",
        "23514",
    ),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_what_would_stop_the_app_is_found(app: str, shaped_admin: str, tmp_path: Path, broken: str):
    statement, said = BREAKS[broken]
    name = psycopg.conninfo.conninfo_to_dict(app)["dbname"]
    role = f"app_{name}"
    fix_app.execute(
        shaped_admin,
        f"create role {role} login; grant all on all tables in schema public to {role};"
        f"grant usage on all sequences in schema public to {role}",
    )
    try:
        as_app = app.replace("postgres@", f"{role}@")
        project = fix_app.write(tmp_path, as_app, deploy='tables = ["logs"]')
        assert smoked(project)[0].ok
        fix_app.execute(shaped_admin, statement.replace("from app", f"from {role}"))
        before = fix_app.contents(shaped_admin)
        found, _ = smoked(project)
        assert not found.ok
        assert said in found.summary, found.summary
        assert "public.logs" in found.summary
        assert found.next_steps
        assert fix_app.contents(shaped_admin) == before
    finally:
        fix_app.execute(shaped_admin, f"drop owned by {role}; drop role {role}")


ODD = {
    "numbers alone": "create table public.odd (id bigint generated always as identity primary key)",
    "an identity and a number": "create table public.odd"
    " (id int generated always as identity primary key, n int not null)",
    "a key of two": "create table public.odd (a uuid, b smallint, primary key (a, b))",
    "a key that points": "create table public.odd (id bigint primary key references public.logs (id))",
    "a row that points to itself": "create table public.odd (id serial primary key, up int references public.odd (id))",
    "no key": "create table public.odd (said text)",
    "a domain": "create domain public.name as varchar(5) not null;"
    "create table public.odd (id public.name primary key)",
    "parts": "create table public.odd (id int primary key) partition by range (id);"
    "create table public.part partition of public.odd default",
    "names to quote": 'create table public.odd ("Key""s" text primary key, "select" text not null)',
    "every type": "create table public.odd (a date not null,"
    " b timestamp(3) not null, c interval not null, d jsonb not null,"
    " e bytea not null, f inet not null, g int[] not null, h int4range not null, i money not null, j bool not null,"
    " k char(3) not null, l time not null, n double precision not null, o public.mood not null,"
    " p numeric(3, 3) not null, q varchar(4) not null, r text not null, s json not null, t public.mood[] not null)",
    "a check by equality": "create table public.odd (id serial primary key, kind text not null check (kind = 'it''s'))",
    "a view": "create view public.odd as select id, body, kind, mood from public.logs; alter view public.odd"
    " alter kind set default 'note', alter mood set default 'calm'",
}


@pytest.mark.parametrize("odd", ODD)
def test_a_row_is_made_up_for_an_odd_table(app: str, shaped_admin: str, tmp_path: Path, odd: str):
    fix_app.execute(app, ODD[odd])
    before = fix_app.contents(shaped_admin)
    found, _ = smoked(fix_app.write(tmp_path, app, deploy='tables = ["odd"]'))
    assert found.ok, found.summary
    assert fix_app.contents(shaped_admin) == before


def test_what_cannot_be_made_up_is_refused_with_the_sample_to_give(app: str, tmp_path: Path):
    fix_app.execute(app, "create table public.odd (id serial primary key, place point not null)")
    with pytest.raises(
        errors.Refused, match=r"public\.odd\.place \(point\).*\[deploy\.samples\.'public\.odd'\] place = "
    ):
        smoked(fix_app.write(tmp_path, app, deploy='tables = ["odd"]'))
    deploy = 'tables = ["odd"]\n[deploy.samples.\'public.odd\']\nplace = "(1,2)"'
    assert smoked(fix_app.write(tmp_path, app, deploy=deploy))[0].ok


def test_a_sample_of_the_project_is_taken(app: str, tmp_path: Path):
    fix_app.execute(app, "alter table public.logs add check (length(body) = 3)")
    deploy = 'tables = ["logs"]\n[deploy.samples.logs]\nbody = "abc"'
    assert smoked(fix_app.write(tmp_path, app, deploy=deploy))[0].ok


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        ("logs]\nbodi = 'abc'", "runbooks.toml:6: deploy.samples.logs.bodi: .*'bodi'.* nearest is 'body'"),
        (
            "'public.log']\nbody = 'abc'",
            "runbooks.toml:5: deploy.samples.public.log: .* nearest is 'public.logs'",
        ),
        ("peeple]\nemail = 'abc'", "runbooks.toml:5: deploy.samples.peeple: .* nearest is 'people'"),
    ],
)
def test_a_sample_for_what_is_not_there_is_refused_with_its_line_and_the_nearest(
    app: str, tmp_path: Path, sample: str, said: str
):
    with pytest.raises(errors.Refused, match=said):
        smoked(fix_app.write(tmp_path, app, deploy=f'tables = ["logs"]\n[deploy.samples.{sample}'))


def test_without_a_table_nothing_is_passed(shaped: str, tmp_path: Path):
    found, _ = smoked(fix_app.write(tmp_path, shaped))
    assert (found.ok, found.status) == (False, "not checked")


def test_a_configured_table_that_is_not_there_fails(app: str, tmp_path: Path):
    found, _ = smoked(fix_app.write(tmp_path, app, deploy='tables = ["logs", "ghosts"]'))
    assert not found.ok
    assert "ghosts does not exist" in found.summary
    found, _ = smoked(fix_app.write(tmp_path, app, deploy='tables = ["lgos"]'))
    assert found.status == "not checked"
    found, _ = smoked(fix_app.write(tmp_path, app, deploy='tables = ["people", "lgos"]'))
    said = "runbooks.toml:4: deploy.tables: lgos does not exist; the nearest that there is is public.logs"
    assert said in found.summary


def test_it_waits_for_nobody_for_long(app: str, shaped_admin: str, tmp_path: Path):
    with psycopg.connect(shaped_admin) as holder:
        holder.execute("lock table public.logs in access exclusive mode")
        with pytest.raises(errors.Unavailable, match=r"a lock that somebody else holds.*55P03"):
            smoked(fix_app.write(tmp_path, app))


def test_however_many_sequences_there_are(app: str, shaped_admin: str, tmp_path: Path):
    many = "".join(f"create sequence public.s{number};" for number in range(300))
    fix_app.execute(app, f"{fix_app.AUDITED}{many}")
    before = fix_app.contents(shaped_admin)
    assert smoked(fix_app.write(tmp_path, app))[0].ok
    assert fix_app.contents(shaped_admin) == before


def test_the_app_goes_on_counting_meanwhile(app: str, shaped_admin: str, tmp_path: Path):
    fix_app.execute(app, fix_app.AUDITED)
    project = fix_app.write(tmp_path, app)
    over, written, failures = Event(), list[int](), list[Exception]()

    def write() -> None:
        try:
            with psycopg.connect(app, autocommit=True) as connection:
                while not over.is_set():
                    row = connection.execute(
                        "insert into public.audit (what) values ('app') returning id"
                    ).fetchone()
                    written.extend(row or ())
        except Exception as error:
            failures.append(error)

    writer = Thread(target=write)
    writer.start()
    try:
        wait_until(lambda: len(written) > 10)
        for _ in range(5):
            before = len(written)
            assert smoked(project)[0].ok
            wait_until(lambda before=before: len(written) > before)
    finally:
        over.set()
        writer.join()
    assert failures == []
    assert written == list(range(1, len(written) + 1))


@pytest.mark.parametrize("through", ["directly", "transaction"])
def test_it_goes_through_a_transaction_pooler_too(listening: embedded.Server, tmp_path: Path, through: str):
    name = f"smoked_{through}"
    admin = listening.dsn(name, user=listening.superuser)
    embedded.create_database(listening, name)
    fix_app.execute(listening.dsn(name), fix_app.TABLES + fix_app.AUDITED)
    before = fix_app.contents(admin)
    with fix_listening.road(listening, through) as road:
        dsn = psycopg.conninfo.make_conninfo(road, dbname=name)
        found, _ = smoked(fix_app.write(tmp_path, dsn))
    assert found.ok, found.summary
    assert fix_app.contents(admin) == before


KILLED = """\
import sys
from ops import smoke, smoke_sql
from tests import fix_app
from pathlib import Path
from threading import Event, Thread
def held(*_):
    print("written", flush=True)
    sys.stdin.read()
setattr(smoke_sql, sys.argv[2], held)
with fix_app.look(Path(sys.argv[1])) as gate:
    smoke.check(gate)
"""


@pytest.mark.parametrize("at", ["_protect", "insert", "_update", "_delete"])
def test_killed_anywhere_it_leaves_nothing(app: str, shaped_admin: str, tmp_path: Path, at: str):
    fix_app.execute(app, fix_app.AUDITED + fix_app.ROWS)
    project = fix_app.write(tmp_path, app)
    before = fix_app.contents(shaped_admin)
    victim = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(project), at],
        env={**os.environ, "PYTHONPATH": str(fix_command.ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with victim:
        assert victim.stdout
        assert victim.stdout.readline() == b"written\n"
        inside = "select from pg_stat_activity where xact_start is not null and application_name = 'a run'"
        assert fix_app.ask(shaped_admin, inside)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    wait_until(lambda: not fix_app.ask(shaped_admin, inside))
    assert fix_app.contents(shaped_admin) == before
