"""What is seldom wrong with a Redis, each made for real: healthy, broken, found and named, mended, gone."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ops import redis_health
from ops.checks import Finding
from tests import fix_redis
from tests.fix_redis import RunRedis
from tests.polling import wait_until

ROOMY = ("--maxmemory", "64mb")
# It answers meanwhile, after so many bytes.
EAGER = ("--loading-process-events-interval-bytes", "1024")


def found(root: Path, url: str, **settings: str) -> dict[str, Finding]:
    return {each.kind: each for each in redis_health.check(*fix_redis.configured(root, url, **settings))}


def test_a_cluster_that_serves_no_slot_and_one_whose_node_this_is(tmp_path: Path, run_redis: RunRedis):
    assert found(tmp_path, run_redis(*ROOMY).url) == {}
    node = run_redis(*ROOMY, "--cluster-enabled", "yes")
    broken = found(tmp_path, node.url)["redis-cluster"]
    assert broken.severity == "failed"
    assert "whole cluster" in broken.todo
    node.admin.execute_command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
    wait_until(lambda: "cluster_state:ok" in str(node.admin.execute_command("CLUSTER", "INFO")))
    alone = found(tmp_path, node.url)
    assert set(alone) == {"redis-one-node"}
    assert alone["redis-one-node"].severity == "note"


def test_one_that_still_reads_its_data(tmp_path: Path, run_redis: RunRedis):
    folder = tmp_path / "data"
    folder.mkdir()
    with fix_redis.running(*ROOMY, "--dir", str(folder)) as before:
        before.fill("stg:", 2000)
        before.admin.save()
    # So many microseconds for each key: long enough to be seen, and it ends by itself.
    with fix_redis.running(*ROOMY, "--dir", str(folder), "--key-load-delay", "2000", *EAGER) as server:
        loading = found(tmp_path, server.url)["redis-loading"]
        assert loading.severity == "failed"
        assert "Wait" in loading.todo
        wait_until(lambda: found(tmp_path, server.url) == {}, seconds=60)


def test_something_between_that_answers_with_what_was_not_written(tmp_path: Path, run_redis: RunRedis):
    server = run_redis(*ROOMY)
    with between(server.port) as port:
        assert found(tmp_path, server.url.replace(f":{server.port}/", f":{port}/")) == {}
    with between(server.port, lie=True) as port:
        forgets = found(tmp_path, server.url.replace(f":{server.port}/", f":{port}/"))["redis-forgets"]
        assert forgets.severity == "failed"
        assert "stg:" in forgets.said
        assert "proxy" in forgets.todo
    assert found(tmp_path, server.url) == {}


@contextmanager
def between(port: int, *, lie: bool = False, late: float = 0) -> Generator[int]:
    """Pass everything on to a Redis and back, so many seconds late, but what a GET brings where it lies."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve(client: socket.socket) -> None:
            with client, socket.create_connection(("127.0.0.1", port)) as redis:
                while asked := client.recv(65536):
                    redis.sendall(asked)
                    said = redis.recv(65536)
                    threading.Event().wait(late)
                    client.sendall(b"$3\r\nold\r\n" if lie and b"GET\r\n" in asked else said)

        def accept() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def test_clients_that_leave_no_room_for_more(tmp_path: Path, run_redis: RunRedis):
    server = run_redis(*ROOMY, "--maxclients", "20")
    assert found(tmp_path, server.url) == {}
    clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(17)]
    try:
        wait_until(lambda: "redis-clients" in found(tmp_path, server.url))
        assert "CLIENT LIST" in found(tmp_path, server.url)["redis-clients"].todo
    finally:
        for client in clients:
            client.close()
    wait_until(lambda: found(tmp_path, server.url) == {})


def test_a_login_that_lacks_a_right_and_gets_it(tmp_path: Path, run_redis: RunRedis):
    server = run_redis(*ROOMY)
    rights = ["+get", "+ping", "+scan"]
    server.admin.acl_setuser("reader", enabled=True, passwords=["+reading-only"], keys=["*"], commands=rights)
    url = server.url.replace(f":{fix_redis.PASSWORD}", "reader:reading-only")
    assert "ACL SETUSER" in found(tmp_path, url)["redis-rights"].todo
    server.admin.acl_setuser("reader", enabled=True, keys=["*"], commands=["+@all"])
    assert found(tmp_path, url) == {}


def test_one_that_is_far_away(tmp_path: Path, run_redis: RunRedis):
    server = run_redis(*ROOMY)
    with between(server.port, late=0.15) as port:
        slow = found(tmp_path, server.url.replace(f":{server.port}/", f":{port}/"))["redis-slow"]
        assert "how far away" in slow.todo
    assert found(tmp_path, server.url) == {}


def test_one_that_cannot_save(tmp_path: Path, run_redis: RunRedis):
    server = run_redis(*ROOMY)
    assert found(tmp_path, server.url) == {}
    server.admin.config_set("save", "3600 1")
    in_the_way = Path(str(server.admin.config_get("dir")["dir"])) / "dump.rdb"
    in_the_way.mkdir()
    server.fill("stg:", 1)
    server.admin.bgsave()
    wait_until(lambda: "redis-not-saved" in found(tmp_path, server.url))
    assert "disk" in found(tmp_path, server.url)["redis-not-saved"].todo
    in_the_way.rmdir()
    server.admin.bgsave()
    wait_until(lambda: found(tmp_path, server.url) == {})
