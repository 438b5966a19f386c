"""Who is meant to be told, how often a channel is tried, and what is wrong with a table that names nobody."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops import errors, notices, project
from ops.notice_settings import Occasion
from ops.project import Environment
from tests import projects

TABLE = """
[environments.production]
notify = "env:OPS"
[environments.production.notifications]
slack = ["env:SLACK", "env:SLACK"]
webhook = ["env:OPS", "command:pass show hooks/ops"]
email = ["grace@example.com"]
smtp = "env:SMTP"
"""
LEVEL = '[[environments.production.escalation]]\nname = "{}"\nafter = "{}"\nwebhook = ["env:LEAD"]\n'
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def production(folder: Path, text: str) -> Environment:
    root = projects.write(folder / "shop", migrations={}, config=text)
    return project.load(root).environment("production")


def test_each_channel_is_meant_once_and_none_that_was_told_otherwise(tmp_path: Path):
    where = production(tmp_path, TABLE)
    every = ["slack env:SLACK", "webhook env:OPS", "webhook command:...", "email grace@example.com"]
    assert meant(where) == every
    assert meant(where, "env:OPS") == [each for each in every if each != "webhook env:OPS"]
    # Nobody wants to know; that everybody knows already is something else.
    assert notices.meant(production(tmp_path, TABLE + 'on = ["denied"]\n'), Occasion.FAILED, but=()) is None
    assert notices.meant(Environment(name="production"), Occasion.FAILED, but=()) is None
    alone = '[environments.production.notifications]\nslack = ["env:SLACK"]\n'
    assert meant(production(tmp_path, alone), "env:SLACK") == []


def meant(where: Environment, *but: str) -> list[str]:
    found = notices.meant(where, Occasion.FAILED, but=but)
    assert found is not None
    return [str(each) for each in found]


def test_a_channel_is_tried_for_a_day_ever_more_seldom():
    tried, now = [NOW], NOW
    while now < NOW + timedelta(days=9):
        now += timedelta(minutes=5)
        if notices.is_due(tries=len(tried), last=tried[-1], failed=True, now=now):
            tried.append(now)
    assert len(tried) == notices.MOST_TRIES
    waits = [later - before for before, later in itertools.pairwise(tried)]
    assert waits == sorted(waits)
    assert timedelta(hours=20) < tried[-1] - NOW < timedelta(hours=26)


def test_a_try_of_which_nobody_knows_the_end_is_left_alone_for_a_minute():
    for seconds, due in ((30, False), (61, True)):
        later = NOW + timedelta(seconds=seconds)
        assert notices.is_due(tries=1, last=NOW, failed=False, now=later) is due


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            TABLE.replace("env:SLACK", "https://hooks.slack.com/services/T0/B0/fake"),
            r"runbooks.toml:5: .*slack item 1: .*write no address here",
        ),
        (TABLE.replace('smtp = "env:SMTP"', ""), r"email needs notifications.smtp, the server: smtp = "),
        (
            f'{TABLE}on = ["fialed"]',
            r"runbooks.toml:9: .*'failed', 'crashed', 'waiting', 'lapsed', 'decided' or 'denied'",
        ),
        (TABLE.replace("grace@example.com", "grace"), r"email item 1: .*no e-mail address"),
        (TABLE + LEVEL.format("lead", "PT0S"), r"escalation item 1 after: .*greater than 0"),
        (TABLE + 2 * LEVEL.format("lead", "PT1H"), r"has a name of its own and comes after the one before"),
        (
            TABLE + '[[environments.production.escalation]]\nname = "lead"\nafter = "PT1H"\n',
            r"a level without slack, webhook or email reaches nobody",
        ),
    ],
)
def test_a_mistake_is_named_and_no_address_is_shown(tmp_path: Path, text: str, said: str):
    with pytest.raises(errors.Refused, match=said) as refused:
        production(tmp_path, text)
    assert "hooks.slack.com" not in str(refused.value)
