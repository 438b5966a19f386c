"""A real PgBouncer in front of a real server, on a port of its own, in any of its three modes."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from psycopg import conninfo

from tests import fix_tls

PASSWORD = "p@ss/w#rd?%:[]'\"\\ é"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _account() -> str | None:
    """PgBouncer refuses to run as root; any account that is nobody's will do."""
    return "nobody" if os.geteuid() == 0 else None


@contextmanager
def pgbouncer(
    host: str, port: int, *, mode: str, password: str = PASSWORD, tls: bool = False, **settings: str
) -> Generator[str]:
    """Run PgBouncer before the server at `host`:`port` and yield a conninfo for user postgres, sslmode not included."""
    binary = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert binary, "PgBouncer is not installed; .ci/run installs it."
    listen = free_port()
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as folder:
        config = _configure(
            Path(folder), f"host={host} port={port} user=postgres", listen, mode, password, tls, settings
        )
        process = subprocess.Popen(
            [binary, "-q", str(config)], user=_account(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            dsn = conninfo.make_conninfo(
                host="127.0.0.1", port=listen, user="postgres", password=password, dbname="postgres"
            )
            _wait(process, listen)
            yield dsn
        finally:
            process.kill()
            process.wait()


def _configure(
    folder: Path, server: str, listen: int, mode: str, password: str, tls: bool, settings: dict[str, str]
) -> Path:
    quoted = password.replace('"', '""')
    (folder / "users").write_text(f'"postgres" "{quoted}"\n', encoding="utf-8")
    lines = {
        "listen_addr": "127.0.0.1",
        "listen_port": str(listen),
        "unix_socket_dir": "",
        "auth_type": "plain",
        "auth_file": str(folder / "users"),
        "pool_mode": mode,
        "logfile": str(folder / "log"),
        "default_pool_size": "5",
        **(_certificate(folder) if tls else {}),
        **settings,
    }
    config = folder / "pgbouncer.ini"
    body = "\n".join(f"{key} = {value}" for key, value in lines.items())
    config.write_text(f"[databases]\n* = {server}\n[pgbouncer]\n{body}\n", encoding="utf-8")
    if account := _account():
        for path in (folder, *folder.iterdir()):
            os.chown(path, pwd.getpwnam(account).pw_uid, -1)
    return config


def _certificate(folder: Path) -> dict[str, str]:
    key, certificate = fix_tls.certify(folder)
    return {
        "client_tls_sslmode": "require",
        "client_tls_key_file": str(key),
        "client_tls_cert_file": str(certificate),
    }


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.01)
    raise AssertionError(f"PgBouncer did not start (exit code {process.poll()}).")


@pytest.fixture(params=["session", "transaction", "statement"])
def pool_mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)
