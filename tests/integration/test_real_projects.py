"""What real projects do that tripped a rehearsal once, in small."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops import migrations, project, reversal
from ops.target import Target
from tests import projects


def proved(target: Target, root: Path, *pairs: tuple[str, str]) -> tuple[reversal.Step, reversal.Proof]:
    """Apply and prove migrations given as (up, down), one after the other; return the last one's step and proof."""
    began = datetime.now(UTC)
    ups = {f"{number}_step": up for number, (up, _) in enumerate(pairs, 1)}
    downs = {f"{number}_step": down for number, (_, down) in enumerate(pairs, 1)}
    projects.write(root, migrations=ups, rollbacks=downs)
    found = migrations.find(project.load(root))
    for migration in found[:-1]:
        reversal.prove(target, migration, reversal.forward(target, migration))
    step = reversal.forward(target, found[-1])
    assert step.outcome.ok, step.outcome.failure
    return step, reversal.prove(target, found[-1], step, since=began)


def test_a_table_that_is_made_anew_under_its_name(target: Target, tmp_path: Path) -> None:
    step, proof = proved(
        target,
        tmp_path,
        ("create table public.old (id int, note text);\ninsert into public.old values (1, 'a');\n", ""),
        (
            "create table public._new (id bigint, note text);\n"
            "insert into public._new select id, note from public.old;\n"
            "drop table public.old;\nalter table public._new rename to old;\n",
            "create table public._new (id int, note text);\n"
            "insert into public._new select id, note from public.old;\n"
            "drop table public.old;\nalter table public._new rename to old;\n",
        ),
    )
    locks = [(lock.object, lock.mode) for lock in step.outcome.locks]
    assert locks.count(("public.old", "AccessExclusiveLock")) == 1
    assert (proof.rollback.status, proof.reapply.status) == ("proven", "same"), proof


ADDING = "alter table public.nowhere add column a int"
BLOCK = f"""\
select 1;
do $body$
begin
    if true then

        {ADDING};
    end if;
end $body$;
"""


@pytest.mark.parametrize(
    ("up", "line", "column"),
    [
        (BLOCK, 6, 9),
        (BLOCK.replace(ADDING, "perform lost from (select 1 as a) as t"), 6, 9),
        (BLOCK.replace(ADDING, "execute 'select lost'"), 6, 25),
        ("do language plpgsql 'begin\n\n  -- first\n  raise exception ''no'';\nend';\n", 4, 3),
        ("do $$ begin raise exception 'no'; end $$;\n", 1, 4),
    ],
)
def test_an_error_inside_a_block_has_its_own_line(
    target: Target, tmp_path: Path, up: str, line: int, column: int
) -> None:
    projects.write(tmp_path, migrations={"1_block": up})
    (migration,) = migrations.find(project.load(tmp_path))
    failure = reversal.forward(target, migration).outcome.failure
    assert failure is not None
    assert (failure.line, failure.column) == (line, column), failure


def test_an_extension_that_the_server_lacks_is_not_the_migrations_fault(
    target: Target, tmp_path: Path
) -> None:
    projects.write(tmp_path, migrations={"1_map": "create extension nobody_has_it;\n"})
    (migration,) = migrations.find(project.load(tmp_path))
    failure = reversal.forward(target, migration).outcome.failure
    assert failure is not None
    assert "rehearse on a server that has it" in (failure.hint or "")


VISITS = "create table public.visits (id int primary key, seen timestamptz, at timestamptz default now());\n"
TOUCHING = (
    "create function public.touch() returns trigger language plpgsql as"
    " $$ begin new.at := clock_timestamp(); return new; end $$;\n"
    "create trigger touch before update on public.visits for each row execute function public.touch();\n"
)
OLD = "insert into public.visits values (1, null, '2020-01-01'), (2, null, '2020-01-02');\n"
SEEING = ("update public.visits set seen = '2021-01-01';\n", "update public.visits set seen = null;\n")


@pytest.mark.parametrize(
    ("start", "up", "down", "status"),
    [
        pytest.param(VISITS + TOUCHING + OLD, *SEEING, "proven", id="touched by a trigger"),
        pytest.param(
            VISITS + OLD,
            SEEING[0],
            "update public.visits set seen = null, at = now();\n",
            "differs",
            id="overwritten by the rollback",
        ),
        pytest.param(
            VISITS + OLD,
            "update public.visits set seen = now();\n",
            "select 1;\n",
            "differs",
            id="left there",
        ),
        pytest.param(
            VISITS + TOUCHING + OLD,
            "alter table public.visits drop column at;\n",
            "alter table public.visits add column at timestamptz default now();\n",
            "differs",
            id="dropped and made anew",
        ),
        pytest.param(
            VISITS + OLD,
            "delete from public.visits where id = 2;\n",
            "insert into public.visits (id) values (2);\n",
            "differs",
            id="deleted and inserted anew",
        ),
    ],
)
def test_times_that_a_rollback_does_not_bring_back(
    target: Target, tmp_path: Path, start: str, up: str, down: str, status: str
) -> None:
    _, proof = proved(target, tmp_path, (start, ""), (up, down))
    assert proof.rollback.status == status, proof.rollback


@pytest.mark.parametrize(
    ("start", "up", "down", "status"),
    [
        ("pg_cron", "select cron.schedule('a', '0 3 * * *', 'select 1');\n", "select 1;\n", "differs"),
        (
            "pg_cron",
            "select cron.schedule('a', '0 3 * * *', 'select 1');\n",
            "select cron.unschedule('a');\n",
            "proven",
        ),
        (
            "pg_cron; select cron.schedule('a', '0 3 * * *', 'select 1')",
            "select cron.unschedule('a');\n",
            "select cron.schedule('a', '0 3 * * *', 'select 1');\n",
            "proven",
        ),
        (
            "pg_cron; select cron.schedule('a', '0 3 * * *', 'select 1')",
            "select cron.unschedule('a');\n",
            "select cron.schedule('a', '0 4 * * *', 'select 1');\n",
            "differs",
        ),
        ("pg_net", "select vault.create_secret('b', 'c');\n", "select 1;\n", "differs"),
        (
            "pg_net",
            "select vault.create_secret('b', 'c');\n",
            "delete from vault.secrets where name = 'c';\n",
            "proven",
        ),
        (
            "pgmq",
            "select pgmq.create('q');\n",
            "drop table pgmq.q_q;\ndrop table pgmq.a_q;\n",
            "differs",
        ),
        ("pgmq", "select pgmq.create('q');\n", "select pgmq.drop_queue('q');\n", "proven"),
    ],
)
def test_what_was_set_up_in_an_extension_is_looked_at_too(
    target: Target, tmp_path: Path, start: str, up: str, down: str, status: str
) -> None:
    _, proof = proved(target, tmp_path, (f"create extension {start};\n", ""), (up, down))
    assert proof.rollback.status == status, proof.rollback


def test_what_happens_now_happens_at_another_time_when_it_is_done_again(
    target: Target, tmp_path: Path
) -> None:
    up = "update public.visits set seen = clock_timestamp();\n"
    _, proof = proved(target, tmp_path, (VISITS + OLD, ""), (up, "update public.visits set seen = null;\n"))
    assert (proof.rollback.status, proof.reapply.status) == ("proven", "same"), proof
