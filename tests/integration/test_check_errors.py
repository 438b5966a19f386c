"""What a hosted project's logs tell, asked of a server in the shape of the Management API."""

from __future__ import annotations

import json
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops import check_errors
from tests import fix_logs_api
from tests.fix_checks import Checkup
from tests.fix_logs_api import Logs, line
from tests.integration.test_daily_checks import page

REFUSED = (
    "42501",
    'new row violates row-level security policy for table "orders"',
    "insert",
    "authenticated",
)
TWICE = ("23505", "duplicate key value violates unique constraint", "insert", "authenticated")


@pytest.fixture(params=["logs.all", "logs"])
def logs(
    request: pytest.FixtureRequest, checkup: Checkup, monkeypatch: pytest.MonkeyPatch
) -> Generator[Logs]:
    monkeypatch.setenv("LOGS_TOKEN", fix_logs_api.TOKEN)
    with fix_logs_api.management(str(request.param)) as found:
        configure(checkup, found)
        checkup.checks = (check_errors.check_errors,)
        yield found


def configure(checkup: Checkup, logs: Logs, more: str = "") -> None:
    named = f'logs_url = "{logs.url}"\nlogs_token = "env:LOGS_TOKEN"\n{more}'
    checkup.configure(f"[environments.production.checks]\n{named}")


def said(what: tuple[str, str, str, str], ago: timedelta) -> dict[str, Any]:
    state, message, query, role = what
    return line(datetime.now(UTC) - ago, state, message, query, user_name=role)


def asked_of_auth(status: int, path: str, count: int) -> list[dict[str, Any]]:
    at = round((datetime.now(UTC) - timedelta(hours=1)).timestamp() * 1_000_000)
    return [
        {"timestamp": at, "status": status, "path": path, "msg": "for ada@example.org"} for _ in range(count)
    ]


def test_a_refusal_behind_a_thousand_other_errors_is_seen(checkup: Checkup, logs: Logs):
    logs.postgres += [said(REFUSED, timedelta(hours=20))]
    logs.postgres += [said(TWICE, timedelta(minutes=n % 60)) for n in range(1500, 0, -1)]
    found = checkup.the("rls-refusals")
    assert found.object == "table orders"
    assert found.said.startswith(
        "1 statement was refused at table orders in the last 24 h, 1 by a policy of RLS"
    )
    logs.postgres.pop(0)
    assert checkup.kinds() == []


def test_more_refusals_than_an_answer_holds_are_all_counted(checkup: Checkup, logs: Logs):
    logs.postgres += [said(REFUSED, timedelta(seconds=20 * n)) for n in range(2600, 0, -1)]
    assert checkup.the("rls-refusals").said.startswith("2600 statements were refused at table orders")


def test_more_of_a_moment_than_an_answer_holds_is_no_pass(checkup: Checkup, logs: Logs):
    logs.postgres += [said(REFUSED, timedelta(hours=1))] * 1000
    assert "would not be whole" in checkup.the("not-looked-at").said


def test_a_longer_time_than_the_api_answers_for_is_asked_for_in_parts(checkup: Checkup, logs: Logs):
    configure(checkup, logs, 'logs_since = "60 h"')
    logs.postgres += [said(REFUSED, timedelta(hours=50))]
    assert checkup.kinds() == ["rls-refusals"]


def test_what_auth_answers_is_counted_by_kind_and_names_nobody(checkup: Checkup, logs: Logs):
    logs.auth += asked_of_auth(200, "/token", 500) + asked_of_auth(400, "/token", 100)
    assert checkup.kinds() == []
    logs.auth += asked_of_auth(400, "/token", 1)
    logs.auth += asked_of_auth(500, "/recover", 2)
    logs.auth += asked_of_auth(404, "/admin/users/9f0c0c34-0000-4000-8000-000000000000", 101)
    found = {each.object: each for each in checkup.run().report.findings}
    assert set(found) == {"Auth, 400 at /token", "Auth, 500 at /recover", "Auth, 404 at /admin"}
    assert (
        found["Auth, 400 at /token"].said == "Auth answered 101 requests at /token with 400 in the last 24 h."
    )
    assert found["Auth, 400 at /token"].kind == "auth-errors"
    assert "how many addresses" in found["Auth, 400 at /token"].todo
    assert found["Auth, 500 at /recover"].kind == "auth-broken"
    assert "mail server" in found["Auth, 500 at /recover"].todo
    assert not [text for text in logs.asked if "msg" in text or "auth_event" in text]
    assert "ada@" not in "".join(each["text"] for each in checkup.heard)
    logs.auth.clear()
    assert checkup.kinds() == []


def test_an_api_that_only_counts_is_said_to_name_nothing(checkup: Checkup):
    checkup.checks = (check_errors.check_errors,)
    with page({"result": []}) as (url, answers):
        checkup.configure(f'[environments.production.checks]\nlogs_url = "{url}"\nlogs_since = "12 h"')
        assert checkup.kinds() == []
        answers["body"] = json.dumps({"result": [{"count": 7}]}).encode()
        found = checkup.the("errors-counted")
        assert found.said.startswith("The logs API counts 7 errors")
        assert "logs_url" in found.todo
        answers["body"] = json.dumps({"result": []}).encode()
        assert checkup.kinds() == []


@pytest.mark.parametrize("code", [401, 429, 500])
def test_an_api_that_does_not_tell_is_no_pass(checkup: Checkup, logs: Logs, code: int):
    logs.code = code
    found = checkup.the("not-looked-at")
    assert f"answered {code}" in found.said
    assert "logs_url and logs_token of [environments.production.checks]" in found.said
