"""Redis as it is looked at: healthy, broken in each way in which it breaks, and mended again."""

from __future__ import annotations

import functools
import socketserver
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from flows.redis_health import redis_health as redis_health_flow
from ops import errors, project, redis_health
from ops.redis_health import RedisHealth
from tests import fix_redis, projects
from tests.fix_pgbouncer import free_port
from tests.fix_redis import RunRedis, Server
from tests.polling import wait_until

ROOMY = ("--maxmemory", "64mb")


def kinds(root: Path, url: str, **settings: str) -> list[str]:
    return [each.kind for each in redis_health.check(*fix_redis.configured(root, url, **settings))]


def test_a_healthy_one_has_no_finding_and_nothing_is_left_in_it(run_redis: RunRedis, tmp_path: Path):
    server = run_redis(*ROOMY)
    server.fill("stg:", 3)
    before = server.held()
    assert kinds(tmp_path, server.url) == []
    assert server.held() == before
    calls = server.admin.info("commandstats")
    assert "cmdstat_keys" not in calls
    assert "cmdstat_set" in calls


def test_an_environment_without_redis_has_nothing_to_look_at(tmp_path: Path):
    written = projects.write(
        tmp_path / "shop",
        config="[environments.staging]\n",
        migrations={projects.NOTES: projects.CREATE_NOTES},
    )
    operated = project.load(written)
    assert redis_health.check(operated.environment("staging"), operated) == []


def test_it_is_down_and_up_again(tmp_path: Path, run_redis: RunRedis):
    server = run_redis(*ROOMY)
    server.stop()
    (found,) = redis_health.check(*fix_redis.configured(tmp_path, server.url))
    assert (found.kind, found.object, found.severity) == ("redis-down", "redis", "failed")
    assert fix_redis.PASSWORD not in found.said
    assert kinds(tmp_path, run_redis(*ROOMY).url) == []


def test_one_that_never_answers_is_down(tmp_path: Path, run_redis: RunRedis):
    server = run_redis(*ROOMY)
    server.process.send_signal(19)
    assert kinds(tmp_path, server.url, more='redis_limits = { patience = "PT0.2S" }') == ["redis-down"]


def test_a_wrong_password_and_none(tmp_path: Path, run_redis: RunRedis):
    server = run_redis(*ROOMY)
    assert kinds(tmp_path, server.url.replace(fix_redis.PASSWORD, "wrong-password")) == ["redis-login"]
    assert kinds(tmp_path, f"redis://127.0.0.1:{server.port}") == ["redis-login"]
    assert kinds(tmp_path, server.url) == []


@pytest.mark.parametrize("url", ["", "localhost:6379", "http://localhost", "redis://localhost:port/0"])
def test_what_is_no_url_of_a_redis_is_a_finding(tmp_path: Path, url: str):
    assert kinds(tmp_path, url) == ["redis-unknown"]


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 400 Bad\r\n\r\n", b"+PONG\r\n", b":1\r\n" * 300, b"$5\r\nab", b"\xff\xfe" * 50]
)
def test_what_answers_and_is_no_redis_is_a_finding(tmp_path: Path, said: bytes):
    class Odd(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1000)
            self.request.sendall(said)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Odd) as odd:
        threading.Thread(target=odd.serve_forever, daemon=True).start()
        url = f"redis://127.0.0.1:{odd.server_address[1]}"
        (found,) = kinds(tmp_path, url, more='redis_limits = { patience = "PT1S" }')
        odd.shutdown()
    assert found in ("redis-down", "redis-error", "redis-odd")


@pytest.mark.parametrize(
    "url", ["redis://a..b", "redis://127.0.0.1:1/0?nothing=known", "unix:///nowhere.sock"]
)
def test_an_address_that_is_none_is_a_finding(tmp_path: Path, url: str):
    assert kinds(tmp_path, url)[0] in ("redis-odd", "redis-down")


def test_a_secret_that_is_not_set_is_a_finding(tmp_path: Path):
    where, operated = fix_redis.configured(tmp_path, "unused")
    where = where.model_copy(update={"redis": "env:NOT_SET_IN_ANY_TEST"})
    assert [each.kind for each in redis_health.check(where, operated)] == ["redis-unknown"]


def test_a_replica_that_only_reads(tmp_path: Path, run_redis: RunRedis):
    server = run_redis(*ROOMY)
    server.admin.replicaof("127.0.0.1", str(free_port()))
    assert kinds(tmp_path, server.url) == ["redis-read-only", "redis-replica-cut-off"]
    server.admin.replicaof("NO", "ONE")
    assert kinds(tmp_path, server.url) == []


def test_a_login_that_may_not_write_nor_tell(tmp_path: Path, run_redis: RunRedis):
    server = run_redis(*ROOMY)
    server.admin.acl_setuser(
        "reader", enabled=True, passwords=["+reading-only"], keys=["*"], commands=["+get", "+ping", "+scan"]
    )
    url = server.url.replace(f":{fix_redis.PASSWORD}", "reader:reading-only")
    assert kinds(tmp_path, url) == ["redis-rights"]


def test_memory_that_is_full_and_nearly_full(tmp_path: Path, run_redis: RunRedis):
    server = run_redis("--maxmemory", "64mb")
    server.fill(f"ballast:{'x' * 10_000}:", 2000)
    used = int(server.admin.info("memory")["used_memory"])
    server.admin.config_set("maxmemory", used - 1)
    assert kinds(tmp_path, server.url) == ["redis-full", "redis-memory"]
    server.admin.config_set("maxmemory", int(used * 1.15))
    where, operated = fix_redis.configured(tmp_path, server.url)
    (refuses,) = redis_health.check(where, operated)
    assert (refuses.kind, refuses.severity) == ("redis-memory", "failed")
    server.admin.config_set("maxmemory-policy", "allkeys-lru")
    (forgets,) = redis_health.check(where, operated)
    assert (forgets.kind, forgets.severity) == ("redis-memory", "attention")
    server.admin.config_set("maxmemory", "64mb")
    assert redis_health.check(where, operated) == []


def severities(project: Path, flow: Callable[..., RedisHealth]) -> dict[str, str]:
    return {each.kind: each.severity for each in flow(str(project), environment="staging").findings}


SMALL = ("--maxmemory", "8mb", "--maxmemory-policy", "allkeys-lru")


def evict(server: Server) -> None:
    before = int(server.admin.info("stats")["evicted_keys"])
    server.fill(f"stg:{'x' * 1000}:", 9000)
    assert int(server.admin.info("stats")["evicted_keys"]) > before
    # Well below its limit again.
    server.admin.flushall()


def test_keys_that_were_thrown_away_are_said_once_and_dated(tmp_path: Path, run_redis: RunRedis):
    server = run_redis(*SMALL)
    _, operated = fix_redis.configured(tmp_path, server.url)
    look = functools.partial(severities, operated.root, redis_health_flow.fn)
    evict(server)
    assert look() == {"redis-evicts": "note"}, "before the first look, so that nobody can date it"
    assert look() == {}
    evict(server)
    found = redis_health_flow.fn(str(operated.root), environment="staging")
    (evicts,) = found.findings
    assert (evicts.kind, evicts.severity, found.verdict) == ("redis-evicts", "attention", "attention")
    assert "keys away since 20" in evicts.said
    assert look() == {}
    evict(server)
    server.admin.config_resetstat()
    assert look() == {}, "they were set back, and nothing came since"


def test_clients_that_were_turned_away_are_said_once(tmp_path: Path, run_redis: RunRedis):
    server = run_redis(*ROOMY, "--maxclients", "2")
    _, operated = fix_redis.configured(tmp_path, server.url, more="redis_limits = { clients = 1.0 }")
    look = functools.partial(severities, operated.root, redis_health_flow.fn)
    look()
    assert "redis-rejects" not in look()
    with (
        redis.Redis(port=server.port, password=fix_redis.PASSWORD) as one,
        redis.Redis(port=server.port, password=fix_redis.PASSWORD) as two,
    ):
        one.ping()
        with pytest.raises(redis.exceptions.ConnectionError):
            two.ping()
    assert look()["redis-rejects"] == "attention"
    assert "redis-rejects" not in look()


def test_a_redis_that_was_started_anew_counts_from_then_on(tmp_path: Path, run_redis: RunRedis):
    first = run_redis(*SMALL)
    long_running = run_redis(*SMALL)
    evict(long_running)
    _, operated = fix_redis.configured(tmp_path, first.url)
    look = functools.partial(severities, operated.root, redis_health_flow.fn)
    evict(first)
    assert look() == {"redis-evicts": "note"}
    first.stop()
    wait_until(lambda: int(long_running.admin.info("server")["uptime_in_seconds"]) >= 3)
    again = run_redis(*SMALL)
    fix_redis.configured(tmp_path, again.url)
    evict(again)
    assert look() == {"redis-evicts": "attention"}
    fix_redis.configured(tmp_path, long_running.url)
    assert look() == {"redis-evicts": "note"}, "another server, that has counted before the last look too"


def test_no_limit_of_memory_and_a_disk_that_takes_nothing(
    tmp_path: Path, redis_server: Server, run_redis: RunRedis
):
    assert kinds(tmp_path, redis_server.url) == ["redis-no-limit"]
    server = run_redis(*ROOMY)
    server.admin.config_set("save", "3600 1")
    (Path(str(server.admin.config_get("dir")["dir"])) / "dump.rdb").mkdir()
    server.fill("stg:", 1)
    server.admin.bgsave()
    wait_until(lambda: server.admin.info("persistence")["rdb_last_bgsave_status"] == "err", seconds=20)
    assert kinds(tmp_path, server.url) == ["redis-error", "redis-not-saved"]


def test_too_slow_and_too_many_clients(tmp_path: Path, run_redis: RunRedis):
    server = run_redis(*ROOMY, "--maxclients", "3")
    limits = 'redis_limits = { latency = "PT0.000001S", clients = 0.5 }'
    assert kinds(tmp_path, server.url, more=limits) == ["redis-slow", "redis-clients"]


def test_without_a_prefix_nothing_is_written(tmp_path: Path, run_redis: RunRedis):
    server = run_redis(*ROOMY)
    where, operated = fix_redis.configured(tmp_path, server.url, prefix=None)
    assert [each.kind for each in redis_health.check(where, operated)] == ["redis-no-prefix"]
    assert "cmdstat_set" not in server.admin.info("commandstats")


def test_two_environments_whose_keys_cannot_be_told_apart(tmp_path: Path, run_redis: RunRedis):
    server = run_redis(*ROOMY)
    other = tmp_path / "other.url"
    # Another login and another spelling of the same place.
    other.write_text(f"redis://default:{fix_redis.PASSWORD}@127.0.0.1:{server.port}")
    for prefix, expected in (("stg:live:", ["redis-shared-prefix"]), ("prod:", [])):
        more = f'[environments.production]\nredis = "file:{other}"\nredis_prefix = "{prefix}"'
        assert kinds(tmp_path, server.url, more=more) == expected


def test_keys_are_counted_by_prefix_whatever_their_names(tmp_path: Path, run_redis: RunRedis):
    server = run_redis(*ROOMY)
    server.fill("stg:", 2500)
    server.fill("prod:", 7)
    server.admin.set(b"\xff\xfe not text", "x")
    more = f'[environments.production]\nredis = "file:{tmp_path / "redis.url"}"\nredis_prefix = "prod:"'
    where, operated = fix_redis.configured(tmp_path, server.url, more=more)
    looking = redis_health.RedisLooking(redis_health.plan(str(operated.root), where.name))
    redis_health.redis_looks.reach(looking)
    redis_health.redis_looks.count_keys(looking)
    assert looking.facts["keys"] == {"prod:": 7, "stg:": 2500, "(others)": 1}
    looking.where = where.model_copy(
        update={"redis_limits": where.redis_limits.model_copy(update={"most_keys": 10})}
    )
    said = redis_health.redis_looks.count_keys(looking).rows
    looking.close()
    assert all(str(row["keys"]).startswith("at least") for row in said)


@pytest.mark.parametrize("prefix", ["", " ", "stg:*", "st[g]:", "st?g:", "stg:\\\\", "stg:\\n"])
def test_a_prefix_that_does_not_mean_itself_is_refused_where_it_is_written(tmp_path: Path, prefix: str):
    with pytest.raises(errors.Refused, match="redis_prefix"):
        fix_redis.configured(tmp_path, "redis://localhost", prefix=prefix)
