"""A prefix of a real Redis cleared: all of it, nothing else, and again after a kill."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops import errors, redis_clear, redis_clear_act, redis_keys
from ops.redis_clear import ClearChoices, Clearing
from tests import fix_redis
from tests.fix_redis import Server

OTHER = '[environments.production]\nredis = "file:{url}"\nredis_prefix = "{prefix}"'


def quiet(_done: int, _whole: int, _what: str) -> None: ...


def planned(root: Path, url: str, prefix: str = "", **written: str) -> redis_clear.ClearPlan:
    _, operated = fix_redis.configured(root, url, **written)
    return redis_clear.plan(str(operated.root), "staging", ClearChoices(prefix=prefix))


def cleared(plan: redis_clear.ClearPlan) -> Clearing:
    """Do what a run does once its gate is passed."""
    with redis_clear.opened(plan) as clearing:
        redis_clear.find(clearing)
        if clearing.due:
            redis_clear_act.clear(clearing, quiet)
        evidence = redis_clear_act.verify(clearing)
        assert evidence.ok, evidence.summary
        assert redis_clear_act.conclude(clearing).ok
        return clearing


def test_all_of_a_prefix_and_nothing_else_goes_in_batches(redis_server: Server, tmp_path: Path):
    redis_server.fill("stg:", 3000)
    for beside in ("prod:", "stgx:", "other"):
        redis_server.fill(beside, 40)
    redis_server.admin.hset("stg:hash", "field", "x")
    kept = {key for key in redis_server.held() if not key.startswith(b"stg:")}
    more = OTHER.format(url=tmp_path / "redis.url", prefix="prod:")
    plan = planned(tmp_path, redis_server.url, more=more)
    done = cleared(plan)
    assert (done.found, done.unlinked, done.left) == (3001, 3001, 0)
    assert done.beside.counts == {"prod:": 40, "(others)": 80}
    assert redis_server.held() == kept
    calls = redis_server.admin.info("commandstats")
    assert calls["cmdstat_unlink"]["calls"] >= 6
    assert not {"cmdstat_keys", "cmdstat_flushdb", "cmdstat_flushall", "cmdstat_eval"} & calls.keys()
    again = cleared(plan)
    assert (again.due, again.unlinked) == (False, 0)
    assert "nothing was cleared" in redis_clear_act.conclude(again).summary


def test_only_a_part_of_the_environments_keys(redis_server: Server, tmp_path: Path):
    redis_server.fill("stg:cache:", 10)
    redis_server.fill("stg:queue:", 10)
    done = cleared(planned(tmp_path, redis_server.url, "stg:cache:"))
    assert done.unlinked == 10
    assert done.beside.counts == {"stg:": 10, "(others)": 0}
    assert len(redis_server.held()) == 10


@pytest.mark.parametrize("prefix", ["*", "stg:*", "stg:[a]", "stg:?", "stg:\\", " ", "prod:", "s", "stg:\n"])
def test_what_is_no_prefix_of_this_environment_is_refused(tmp_path: Path, prefix: str):
    with pytest.raises(errors.Refused, match="Nothing was cleared"):
        planned(tmp_path, "redis://localhost", prefix)


def test_without_a_prefix_of_its_own_nothing_is_cleared(tmp_path: Path):
    _, operated = fix_redis.configured(tmp_path, "redis://localhost", prefix=None)
    with pytest.raises(errors.Refused, match="redis_prefix"):
        redis_clear.plan(str(operated.root), "staging", ClearChoices())


@pytest.mark.parametrize("theirs", ["stg:live:", "st"])
def test_a_prefix_that_another_environment_shares_is_refused(
    redis_server: Server, tmp_path: Path, theirs: str
):
    redis_server.fill("stg:live:", 3)
    more = OTHER.format(url=tmp_path / "redis.url", prefix=theirs)
    plan = planned(tmp_path, redis_server.url, more=more)
    with redis_clear.opened(plan) as clearing, pytest.raises(errors.Refused, match="production"):
        redis_clear.find(clearing)
    assert len(redis_server.held()) == 3


def test_one_that_is_killed_in_the_middle_goes_on(
    redis_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    redis_server.fill("stg:", 2000)
    redis_server.fill("prod:", 5)
    plan = planned(tmp_path, redis_server.url)

    def die(_done: int, _whole: int, _what: str) -> None:
        raise KeyboardInterrupt

    with redis_clear.opened(plan) as clearing:
        redis_clear.find(clearing)
        digest = clearing.digest
        with pytest.raises(KeyboardInterrupt):
            redis_clear_act.clear(clearing, die)
    left = len(redis_server.held())
    assert 5 < left < 2005
    done = cleared(plan)
    assert (done.digest, done.unlinked) == (digest, left - 5)


def test_keys_that_the_app_writes_again_are_said(redis_server: Server, tmp_path: Path):
    redis_server.fill("stg:", 5)
    with redis_clear.opened(planned(tmp_path, redis_server.url)) as clearing:
        redis_clear.find(clearing)
        redis_clear_act.clear(clearing, quiet)
        redis_server.fill("stg:", 2)
        found = redis_clear_act.verify(clearing)
    assert not found.ok
    assert "2 keys begin with stg:" in found.summary


def test_what_vanishes_beside_the_prefix_is_said(redis_server: Server, tmp_path: Path):
    redis_server.fill("stg:", 5)
    redis_server.fill("prod:", 50)
    more = OTHER.format(url=tmp_path / "redis.url", prefix="prod:")
    with redis_clear.opened(planned(tmp_path, redis_server.url, more=more)) as clearing:
        redis_clear.find(clearing)
        redis_clear_act.clear(clearing, quiet)
        redis_server.admin.flushdb()
        found = redis_clear_act.verify(clearing)
    assert not found.ok
    assert "All 50 keys of prod: are gone" in found.summary


def test_one_that_is_down_or_says_no_stops_before_anything(redis_server: Server, tmp_path: Path):
    plan = planned(tmp_path, redis_server.url.replace(fix_redis.PASSWORD, "wrong-password"))
    with redis_clear.opened(plan) as clearing, pytest.raises(errors.Refused, match="login"):
        redis_clear.find(clearing)
    redis_server.stop()
    with (
        redis_clear.opened(planned(tmp_path, redis_server.url)) as clearing,
        pytest.raises(errors.Unavailable, match="does not answer"),
    ):
        redis_clear.find(clearing)


def test_what_is_written_of_it_says_no_password(redis_server: Server, tmp_path: Path):
    redis_server.fill("stg:", 1)
    done = cleared(planned(tmp_path, redis_server.url))
    shown = json.dumps(redis_clear_act.conclude(done).model_dump(mode="json"))
    assert fix_redis.PASSWORD not in shown + done.proposal("redis-clear").document


@pytest.fixture(scope="module")
def one_redis():
    with fix_redis.running() as server:
        yield server


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    keys=st.sets(st.binary(min_size=1, max_size=6) | st.binary(max_size=4).map(lambda rest: b"s*[:" + rest))
)
def test_keys_are_told_by_their_bytes_whatever_they_are(one_redis: Server, keys: set[bytes]):
    one_redis.admin.flushdb()
    for key in keys:
        one_redis.admin.set(key, "x")
    found = {key for batch in redis_keys.batches(one_redis.admin, "s*[:") for key in batch}  # pyright: ignore
    assert found == {key for key in keys if key.startswith(b"s*[:")}
