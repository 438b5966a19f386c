"""What the demo promotes to: a staging and a guarded production on a server of our own, and people with real codes."""

from __future__ import annotations

import os
import secrets
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pyotp.totp import TOTP

from ops import embedded, people

ASKS, APPROVES, LOOKS = "ada", "grace", "linus"


@dataclass(frozen=True)
class Sites:
    """Two databases and their people; `environment` is what a worker must see to reach them."""

    environment: Mapping[str, str]
    store: str

    def code(self, name: str) -> str:
        """Return the one-time code that somebody's authenticator shows now."""
        return TOTP(people.read(self.store)[name].seed).at(datetime.now(UTC))


@contextmanager
def running() -> Generator[Sites]:
    """Start the server with both databases, enrol the people, and take the backup that a promotion asks for."""
    with embedded.running() as server, tempfile.TemporaryDirectory(prefix="runbooks-demo-") as folder:
        staging, production = (embedded.create_database(server, name) for name in ("staging", "production"))
        approvers = Path(folder, "approvers.json")
        store = f"file:{approvers}"
        for name in (ASKS, APPROVES, LOOKS):
            people.add(store, name, environment="production", now=datetime.now(UTC))
        backup = Path(folder, "production.dump")
        _back_up(server, production, backup)
        yield Sites(
            {
                "STAGING_DATABASE_URL": staging,
                "PRODUCTION_DATABASE_URL": production,
                "PRODUCTION_APPROVERS": approvers.read_text("utf-8"),
                "RUNBOOKS_AUDIT_KEY": secrets.token_urlsafe(24),
                "STOREFRONT_BACKUP": str(backup),
                "APP_SCHEMA_VERSION": "1.0.0",
            },
            store,
        )


def _back_up(server: embedded.Server, dsn: str, backup: Path) -> None:
    subprocess.run(
        [server.bindir / "pg_dump", "--format=custom", f"--file={backup}", dsn],
        env={**os.environ},
        stdin=subprocess.DEVNULL,
        check=True,
    )
