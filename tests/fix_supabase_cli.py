"""The real Supabase CLI, run against a plain database and without Docker."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ops import embedded
from tests import fix_pgbouncer

BINARY = Path(__file__).parent / "peers" / "node_modules" / ".bin" / "supabase"


@dataclass(frozen=True)
class SupabaseCli:
    """The CLI for one project and one database, with a home of its own."""

    root: Path
    url: str
    home: Path

    def pending(self) -> list[str]:
        """Return the versions of which `migration list` shows only the local side."""
        return [row["local"] for row in self.listed() if not row["remote"]]

    def listed(self) -> list[dict[str, str]]:
        """Return the rows of `migration list`."""
        return self.run("migration", "list")["migrations"]

    def would_push(self) -> list[str]:
        """Return the files that `db push` would apply, in its order."""
        return self.run("db", "push", "--dry-run")["migrations"]

    def push(self) -> list[str]:
        """Apply what is pending and return the files."""
        return self.run("db", "push")["migrations"]

    def run(self, *words: str) -> dict[str, Any]:
        """Run a command and return what it says as JSON; fail where it fails."""
        done = self.call(*words)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command, whatever comes of it."""
        assert BINARY.exists(), (
            "The Supabase CLI is not installed; `make test` installs it (npm ci in tests/peers)."
        )
        command = [str(BINARY), *words, f"--remote={self.url}", "--workdir", str(self.root), "--yes"]
        return subprocess.run(
            [*command, "--output-format", "json", "--agent", "no"],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "DO_NOT_TRACK": "1",
                "SUPABASE_TELEMETRY_DISABLED": "1",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def url(server: embedded.Server, database: str) -> str:
    """Return the URL of a database on a server's port, the password percent-encoded."""
    password = quote(fix_pgbouncer.PASSWORD, safe="")
    return f"postgresql://postgres:{password}@127.0.0.1:{server.port}/{database}?sslmode=disable"
