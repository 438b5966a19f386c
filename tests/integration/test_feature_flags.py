"""Flags and jobs on real tables: switched off, nothing else changed, and put back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ops import errors, feature_flag_rollback, pause_jobs
from ops.feature_flag_rollback import FlagChoices
from ops.pause_jobs import PauseChoices
from ops.switch import SwitchPlan
from tests import fix_app, fix_switch

FLAGS = (
    "select config_value from bot_config where config_key = 'feature_flags' and environment = 'production'"
)
CRON = """\
create extension pg_cron;
select cron.schedule('nightly', '0 3 * * *', 'select 1');
select cron.schedule('hourly', '0 * * * *', 'select 2');
select cron.alter_job((select jobid from cron.job where jobname = 'hourly'), active => false);
"""
JOBS = "select jobname, active from cron.job order by jobname"


@pytest.fixture
def root(tmp_path: Path, shaped: str) -> Path:
    fix_app.execute(shaped, fix_switch.BOT_CONFIG)
    return fix_switch.write(tmp_path, shaped)


def flag(root: Path, name: str, **choices: object) -> SwitchPlan:
    return feature_flag_rollback.plan(str(root), "production", name, FlagChoices.model_validate(choices))


def jobs(root: Path, **choices: object) -> SwitchPlan:
    return pause_jobs.plan(str(root), "production", PauseChoices.model_validate(choices))


def test_one_key_of_one_row_is_switched_and_comes_back(root: Path, shaped: str):
    before = fix_switch.rows(shaped, "public.bot_config")
    done = fix_switch.carry_out(flag(root, "new_search"))
    assert done.changes == {"flag new_search": {"value": "false"}}
    assert "a-fake-key" not in f"{done.state} {done.verified}"
    now = fix_switch.rows(shaped, "public.bot_config")
    expected = [json.loads(row) for row in before]
    expected[0]["config_value"]["new_search"] = False
    assert [json.loads(row) for row in now] == expected
    fix_switch.carry_out(flag(root, "new_search", put_back=True), "run-2")
    assert fix_switch.rows(shaped, "public.bot_config") == before


def test_a_flag_that_is_off_is_left_alone_and_one_that_is_not_there_is_taken_out_again(
    root: Path, shaped: str
):
    before = fix_switch.rows(shaped, "public.bot_config")
    assert not fix_switch.carry_out(flag(root, "dark")).due
    fix_switch.carry_out(flag(root, "new_editor"))
    assert fix_app.ask(shaped, FLAGS)[0][0]["new_editor"] is False
    fix_switch.carry_out(flag(root, "new_editor", put_back=True), "run-2")
    assert fix_switch.rows(shaped, "public.bot_config") == before


def test_only_known_flags_are_switched(root: Path, shaped: str):
    with pytest.raises(
        errors.Refused, match=r"'new_serch' is none of the known flags.*Did you mean 'new_search'"
    ):
        flag(root, "new_serch")
    fix_app.execute(shaped, "delete from bot_config where config_key = 'feature_flags'")
    with pytest.raises(errors.Refused, match="no JSON object under config_key 'feature_flags'"):
        fix_switch.carry_out(flag(root, "dark"))


def test_one_that_somebody_has_switched_since_is_not_put_back(root: Path, shaped: str):
    fix_switch.carry_out(flag(root, "new_search"))
    switch = "update bot_config set config_value = jsonb_set(config_value, '{new_search}', '\"beta\"')"
    fix_app.execute(shaped, switch)
    with pytest.raises(errors.Refused, match=r"Changed since .*flag new_search \(value\)"):
        fix_switch.carry_out(flag(root, "new_search", put_back=True), "run-2")


def test_a_trigger_on_the_settings_may_set_their_time(root: Path, shaped: str):
    fix_app.execute(
        shaped,
        "create function public.now_at() returns trigger language plpgsql as"
        " $$ begin new.updated_at := now(); return new; end $$;"
        "create trigger now_at before update on bot_config for each row execute function public.now_at()",
    )
    assert fix_switch.carry_out(flag(root, "new_search")).done
    assert fix_switch.carry_out(flag(root, "new_search", put_back=True), "run-2").done


def test_jobs_are_paused_and_what_ran_before_is_resumed(root: Path, shaped: str):
    fix_app.execute(shaped, CRON)
    done = fix_switch.carry_out(jobs(root, cron=True))
    assert sorted(name.partition(" (")[2] for name in done.changes if name.startswith("job")) == ["nightly)"]
    assert fix_app.ask(shaped, JOBS) == [("hourly", False), ("nightly", False)]
    assert fix_app.ask(shaped, FLAGS)[0][0]["autonomous_posting"] is False
    assert not fix_switch.carry_out(jobs(root, cron=True), "run-2").due

    fix_switch.carry_out(jobs(root, resume=True), "run-3")
    assert fix_app.ask(shaped, JOBS) == [("hourly", False), ("nightly", True)]
    assert fix_app.ask(shaped, FLAGS)[0][0]["autonomous_posting"] is True


def test_without_pg_cron_only_the_flag_is_switched(root: Path, shaped: str):
    with pytest.raises(errors.Refused, match="has no pg_cron"):
        fix_switch.carry_out(jobs(root, cron=True))
    assert fix_switch.carry_out(jobs(root)).changes == {"flag autonomous_posting": {"value": "false"}}
