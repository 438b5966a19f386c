"""The comment and the commit status, against a server that answers as GitHub documents it."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ops import pull_request_github, pull_request_note
from ops.choices import PullRequestChoices
from ops.pull_request_result import Branch, PullRequest
from ops.verdict import Base, Verdict
from tests import fix_github
from tests.fix_github import GitHub

MARK = pull_request_note.marker("shop")
BOTH = PullRequestChoices(comment=True, status=True)


def found(verdict: Verdict = Verdict.PASSED, **more: Any) -> PullRequest:
    facts: dict[str, Any] = {
        "summary": "shop: all is well.",
        "project": "shop",
        "environment": "throw-away",
        "started": "2026-11-21T20:00:00+00:00",
        "base": Base(place="throw-away"),
        "branch": Branch(base="main", head=fix_github.HEAD),
    }
    return PullRequest(ok=verdict is Verdict.PASSED, verdict=verdict, **(facts | more))


def test_nothing_is_told_that_is_not_asked_for(github: GitHub) -> None:
    assert pull_request_github.tell(PullRequestChoices(), found()) == ()
    assert github.requests == []


def test_the_comment_is_written_once_and_brought_up_to_date(github: GitHub) -> None:
    github.say("Nice work!", f"> {MARK}\n> quoted")
    assert pull_request_github.tell(BOTH, found()) == ()
    assert pull_request_github.tell(BOTH, found(Verdict.FAILED, summary="shop: 1 migration failed.")) == ()
    assert len(github.comments) == 3
    body = github.comments[-1]["body"]
    assert body.startswith(f"{MARK}\n")
    assert "1 migration failed" in body
    assert [each["body"] for each in github.comments[:2]] == ["Nice work!", f"> {MARK}\n> quoted"]


def test_the_comment_of_another_project_is_left_alone(github: GitHub) -> None:
    other = pull_request_note.marker("shop-admin")
    github.say(f"{other}\nfine")
    assert pull_request_github.tell(BOTH, found()) == ()
    assert [each["body"].splitlines()[0] for each in github.comments] == [other, MARK]


def test_ours_is_found_on_a_later_page(github: GitHub) -> None:
    github.say(*[f"comment {number}" for number in range(230)], f"{MARK}\nold")
    assert pull_request_github.tell(BOTH, found()) == ()
    assert len(github.comments) == 231
    assert "all is well" in github.comments[-1]["body"]


def test_somebody_elses_with_our_mark_is_not_changed_and_ours_is_written(github: GitHub) -> None:
    github.say(f"{MARK}\nforged")
    github.foreign.add(100)
    assert pull_request_github.tell(BOTH, found()) == ()
    assert [each["body"].splitlines()[1] for each in github.comments] == ["forged", ""]


def test_a_strangers_with_our_mark_is_not_ours_though_it_could_be_changed(github: GitHub) -> None:
    github.say(f"{MARK}\nforged", stranger=True)
    for _ in range(2):
        assert pull_request_github.tell(BOTH, found()) == ()
    assert [each["body"].splitlines()[1] for each in github.comments] == ["forged", ""]


def test_a_repository_that_has_moved_is_a_finding(github: GitHub) -> None:
    github.answers[("POST", fix_github.HEAD)] = (301, {"Location": f"{github.address}/moved"}, {})
    github.answers[("GET", "/moved")] = (200, {}, [])
    (status,) = pull_request_github.tell(BOTH, found())
    assert "GitHub answered 301: the repository has another name" in status


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (Verdict.PASSED, "success"),
        (Verdict.FAILED, "failure"),
        (Verdict.REFUSED, "failure"),
        (Verdict.UNAVAILABLE, "error"),
    ],
)
def test_the_status_says_how_it_ended(
    github: GitHub, verdict: Verdict, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.example")
    monkeypatch.setenv("GITHUB_RUN_ID", "42")
    assert pull_request_github.tell(BOTH, found(verdict, summary="long " * 60)) == ()
    (status,) = github.statuses
    assert (status["state"], status["context"]) == (state, "pr-gate (shop)")
    assert len(status["description"]) == 140
    assert status["target_url"] == "https://github.example/acme/shop/actions/runs/42"


def test_the_event_says_the_number_and_the_commit(
    github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": fix_github.HEAD}}}))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
    monkeypatch.setenv("GITHUB_REF", "refs/heads/main")
    merge = found(branch=Branch(base="main", head="a" * 40))
    assert pull_request_github.tell(BOTH, merge) == ()
    assert (len(github.comments), len(github.statuses)) == (1, 1)
    event.write_text("[]")
    assert "number is not known" in pull_request_github.tell(BOTH, merge)[0]


RESET = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795300000"}


@pytest.mark.parametrize(
    ("code", "headers", "answer", "said"),
    [
        (401, {}, {"message": "Bad credentials"}, "the token is not valid"),
        (403, {}, {"message": "Resource not accessible by integration"}, "pull-requests: write"),
        (403, RESET, {"message": "API rate limit exceeded"}, "rate limit is used up until"),
        (403, {"retry-after": "60"}, {"message": "secondary rate limit"}, "rate limit is used up for 60 s"),
        (429, {"retry-after": "30"}, {}, "rate limit is used up for 30 s"),
        (404, {}, {"message": "Not Found"}, "no such pull request or commit"),
        (422, {}, {"message": "body is too long"}, "not accepted (body is too long)"),
        (502, {}, b"<html>bad gateway</html>", "answered 502: Bad Gateway"),
    ],
)
def test_what_github_does_not_take_is_a_finding(
    github: GitHub, code: int, headers: dict[str, str], answer: Any, said: str
) -> None:
    github.answers |= {("POST", "/comments"): (code, headers, answer)}
    github.answers |= {("POST", fix_github.HEAD): (code, headers, answer)}
    comment, status = pull_request_github.tell(BOTH, found())
    assert comment.startswith("The comment was not written: ")
    assert status.startswith("The commit status was not written: ")
    assert said in comment
    assert said in status
    assert fix_github.TOKEN not in comment + status
    github.answers.clear()
    assert pull_request_github.tell(BOTH, found()) == ()


def test_an_answer_that_is_no_json_is_a_finding(github: GitHub) -> None:
    github.answers[("GET", "/comments")] = (200, {}, b"<html>")
    (comment,) = pull_request_github.tell(BOTH, found())
    assert "GitHub was not reached (DecodingError)" in comment
    github.answers[("GET", "/comments")] = (200, {}, {"message": "no list"})
    (comment,) = pull_request_github.tell(BOTH, found())
    assert comment.startswith("The comment was not written: ")


def test_a_server_that_never_answers_is_a_finding(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    github.silent = threading.Event()
    monkeypatch.setattr(pull_request_github, "TIMEOUT", timedelta(milliseconds=200))
    assert all("did not answer within 0.2 s" in each for each in pull_request_github.tell(BOTH, found()))


def test_a_server_that_is_not_there_is_a_finding(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    for address, said in (("http://127.0.0.1:9", "ConnectError"), ("http://[::1", "is no address")):
        monkeypatch.setenv("GITHUB_API_URL", address)
        assert said in pull_request_github.tell(BOTH, found())[0]


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("GITHUB_TOKEN", "GITHUB_TOKEN is not set"),
        ("GITHUB_REPOSITORY", "is no repository"),
        ("GITHUB_REF", "number is not known"),
    ],
)
def test_what_is_not_known_is_a_finding(
    github: GitHub, gone: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(gone)
    (finding,) = pull_request_github.tell(BOTH, found())
    assert said in finding
    assert github.requests == []
