"""The P0 rollback on a real table: one provider is left, and everything can be put back."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import psycopg
import pytest

from ops import errors, kept_state, p0_rollback, switch, switch_steps
from ops.p0_choices import P0Choices
from ops.switch import SwitchPlan
from tests import fix_app, fix_switch
from tests.polling import wait_until

TABLE = "public.ai_provider_configs"
RESET = (
    "select provider, environment, weight::int from public.ai_provider_configs where is_default and enabled"
)


@pytest.fixture
def root(tmp_path: Path, shaped: str) -> Path:
    fix_app.execute(shaped, fix_switch.PROVIDERS)
    return fix_switch.write(tmp_path, shaped)


def plan(root: Path, **choices: object) -> SwitchPlan:
    return p0_rollback.plan(str(root), "production", P0Choices.model_validate(choices))


def test_one_provider_is_left_and_everything_comes_back(root: Path, shaped: str):
    before = fix_switch.rows(shaped, TABLE)
    done = fix_switch.carry_out(plan(root))
    assert len(done.changes) == 4, "the default of staging, the others, and both of prod"
    assert sorted(fix_app.ask(shaped, RESET)) == [
        ("openai", "dev", 100),
        ("openai", "prod", 100),
        ("openai", "staging", 100),
    ]
    others = f"select sum(weight), bool_or(enabled) from {TABLE} where provider <> 'openai' and environment <> 'dev'"
    assert fix_app.ask(shaped, others) == [(0, False)]
    kept = "select count(*) from runbooks.kept_states where items::text like '%a-fake-key%'"
    assert (fix_app.ask(shaped, kept), "a-fake-key" in str(done.verified)) == ([(0,)], False)
    assert fix_switch.carry_out(plan(root), "run-2").done is False, "there is nothing left to do"

    fix_switch.carry_out(plan(root, put_back=True), "run-3")
    assert fix_switch.rows(shaped, TABLE) == before
    with pytest.raises(errors.Refused, match="there is nothing to put back"):
        fix_switch.carry_out(plan(root, put_back=True), "run-4")


def test_where_the_default_has_no_row_nothing_is_disabled(root: Path, shaped: str):
    fix_app.execute(shaped, f"delete from {TABLE} where provider = 'openai' and environment = 'prod'")
    before = fix_switch.rows(shaped, TABLE)
    with pytest.raises(errors.Refused, match=r"'openai' has not one row for 'prod' .*there is anthropic"):
        fix_switch.carry_out(plan(root))
    assert fix_switch.rows(shaped, TABLE) == before
    assert fix_switch.carry_out(plan(root, environments=["staging"])).done


def test_killed_before_the_commit_leaves_nothing_and_after_it_goes_on(
    root: Path, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    before = fix_switch.rows(shaped, TABLE)
    alive = fix_switch.dying(monkeypatch, kept_state, "keep")
    with pytest.raises(KeyboardInterrupt):
        fix_switch.carry_out(plan(root))
    assert fix_switch.rows(shaped, TABLE) == before
    assert fix_app.ask(shaped, "select count(*) from runbooks.kept_states") == [(0,)]
    alive()

    first = fix_switch.carry_out(plan(root))
    again = fix_switch.carry_out(plan(root))
    assert (again.done, again.digest) == (True, first.digest), "its approval still fits"
    assert fix_app.ask(shaped, "select count(*) from runbooks.kept_states") == [(1,)]
    fix_switch.carry_out(plan(root, put_back=True), "run-2")
    assert fix_switch.carry_out(plan(root, put_back=True), "run-2").done
    assert fix_switch.rows(shaped, TABLE) == before


def test_what_was_changed_since_is_named_and_not_overwritten(root: Path, shaped: str):
    fix_switch.carry_out(plan(root))
    fix_app.execute(
        shaped, f"update {TABLE} set weight = 7 where provider = 'openai' and environment = 'prod'"
    )
    with pytest.raises(errors.Refused, match=r"openai in prod \(id=5\) \(weight\)\. Nothing was put back"):
        fix_switch.carry_out(plan(root, put_back=True), "run-2")
    assert (7,) in fix_app.ask(shaped, f"select weight::int from {TABLE}")
    forced = fix_switch.carry_out(plan(root, put_back=True, even_if_changed=True), "run-3")
    assert forced.findings == [
        "openai in prod (id=5) (weight) was changed since and is put back all the same"
    ]
    fix_app.execute(shaped, f"delete from {TABLE} where id = 5")


def test_a_change_between_plan_and_act_is_seen(root: Path, shaped: str):
    switching = switch.opened(plan(root))
    switching.as_run("run")
    switch_steps.find(switching)
    fix_app.execute(shaped, f"update {TABLE} set timeout_ms = 1 where id = 6")
    with pytest.raises(
        errors.Refused, match=r"Changed since the plan was made: anthropic in prod .*timeout_ms"
    ):
        switch_steps.act(switching)


def test_two_at_once_change_it_once(root: Path, shaped: str):
    ready = [switch.opened(plan(root)) for _ in range(2)]
    for number, each in enumerate(ready):
        each.as_run(f"run-{number}")
        switch_steps.find(each)
    found: list[str] = []

    def act(number: int) -> None:
        try:
            found.append(switch_steps.act(ready[number]).summary)
        except errors.Refused as error:
            found.append(str(error))

    waiting = "select count(*) from pg_locks where locktype = 'relation' and not granted"
    with psycopg.connect(shaped) as connection:
        connection.execute(f"lock table {TABLE}".encode())
        threads = [Thread(target=act, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        wait_until(lambda: fix_app.ask(shaped, waiting) == [(2,)], seconds=60)
    for thread in threads:
        thread.join()
    assert sorted(said[:7] for said in found) == ["Changed", "Changed"]
    assert sum("since the plan was made" in said for said in found) == 1
    assert fix_app.ask(shaped, "select count(*) from runbooks.kept_states") == [(1,)]


def test_a_trigger_that_changes_more_is_not_let_through(root: Path, shaped: str):
    fix_app.execute(
        shaped,
        "create function public.more() returns trigger language plpgsql as"
        " $$ begin new.timeout_ms := 1; return new; end $$;"
        f"create trigger more before update on {TABLE} for each row execute function public.more()",
    )
    before = fix_switch.rows(shaped, TABLE)
    with pytest.raises(errors.CheckFailed, match=r"More than what was planned would change.*timeout_ms"):
        fix_switch.carry_out(plan(root))
    assert fix_switch.rows(shaped, TABLE) == before


def test_a_trigger_that_sets_the_time_is_named_when_it_is_put_back(root: Path, shaped: str):
    fix_app.execute(
        shaped,
        "create function public.now_at() returns trigger language plpgsql as"
        " $$ begin new.updated_at := now(); return new; end $$;"
        f"create trigger now_at before update on {TABLE} for each row execute function public.now_at()",
    )
    fix_switch.carry_out(plan(root))
    back = fix_switch.carry_out(plan(root, put_back=True), "run-2")
    assert any("(updated_at) is the time of the change" in said for said in back.findings)
