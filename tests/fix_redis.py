"""A real Redis on a port of its own, with whatever settings a test needs, and a project that has it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ops import project
from ops.project import Environment, Project
from tests import projects
from tests.fix_pgbouncer import free_port
from tests.polling import wait_until

PASSWORD = "a-fake-password-of-redis"


@dataclass
class Server:
    """A running Redis: `url` is what an operator has, `admin` what a test does to it."""

    port: int
    process: subprocess.Popen[bytes]
    admin: redis.Redis

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"

    def stop(self) -> None:
        self.admin.close()
        self.process.kill()
        self.process.wait()

    def fill(self, prefix: str, count: int) -> None:
        with self.admin.pipeline(transaction=False) as pipe:
            for number in range(count):
                pipe.set(f"{prefix}{number}", "x")
            pipe.execute()

    def held(self) -> set[bytes]:
        return set(self.admin.scan_iter(count=1000))


@contextmanager
def running(*settings: str) -> Generator[Server]:
    """Run Redis with these settings, as its command line takes them."""
    binary = shutil.which("redis-server", path="/usr/bin:/usr/local/bin")
    assert binary, "Redis is not installed; .ci/run installs it."
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        plain = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        process = subprocess.Popen(
            [binary, *plain, "--requirepass", PASSWORD, *settings],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # What is asked anew by itself waits until Redis has read its data.
        admin = redis.Redis(host="127.0.0.1", port=port, password=PASSWORD, retry=Retry(NoBackoff(), 0))
        server = Server(port, process, admin)
        try:
            wait_until(lambda: _answers(admin), seconds=20)
            yield server
        finally:
            server.stop()


def _answers(admin: redis.Redis) -> bool:
    try:
        return bool(admin.ping())
    except redis.exceptions.BusyLoadingError:
        return True
    except redis.exceptions.RedisError:
        return False


@pytest.fixture
def redis_server() -> Generator[Server]:
    with running() as server:
        yield server


RunRedis = Callable[..., Server]


@pytest.fixture
def run_redis() -> Generator[RunRedis]:
    with ExitStack() as stack:
        yield lambda *settings: stack.enter_context(running(*settings))


def configured(
    root: Path, url: str, *, prefix: str | None = "stg:", more: str = ""
) -> tuple[Environment, Project]:
    """Write a project whose staging has this Redis, and return both."""
    secret = root / "redis.url"
    secret.write_text(url, "utf-8")
    named = f'redis_prefix = "{prefix}"' if prefix is not None else ""
    config = f'[environments.staging]\nredis = "file:{secret}"\n{named}\n{more}\n'
    written = projects.write(root / "shop", config=config, migrations={projects.NOTES: projects.CREATE_NOTES})
    operated = project.load(written)
    return operated.environment("staging"), operated
