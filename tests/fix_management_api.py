"""A server in the shape of the Supabase Management API, made from its published OpenAPI description (v1).

It knows the paths that we use and no others, checks what it is sent against the schemas of that description, and keeps
branches as the real one does; a branch's database is a real one.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jsonschema

REF = "abcdefghijklmnopqrst"
TOKEN = "a-fake-access-token"
_BODIES: dict[str, dict[str, Any]] = {
    "branches": {
        "type": "object",
        "properties": {
            "branch_name": {"type": "string", "minLength": 1},
            "with_data": {"type": "boolean"},
            "persistent": {"type": "boolean"},
            "region": {"type": "string"},
        },
        "required": ["branch_name"],
        "additionalProperties": False,
    },
    "restore-pitr": {
        "type": "object",
        "properties": {"recovery_time_target_unix": {"type": "integer", "minimum": 0}},
        "required": ["recovery_time_target_unix"],
        "additionalProperties": False,
    },
}


@dataclass
class Hosted:
    """What the server has; `statuses` are those that a branch goes through, one at each look."""

    url: str = ""
    backups: list[dict[str, Any]] = field(default_factory=list)
    pitr: tuple[int, int] | None = None
    status: str = "ACTIVE_HEALTHY"
    branches: dict[str, dict[str, Any]] = field(default_factory=dict)
    statuses: list[str] = field(default_factory=lambda: ["COMING_UP", "ACTIVE_HEALTHY"])
    login: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    fails: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(
        self, name: str, *, ref: str = "zyxwvutsrqponmlkjihg", is_default: bool = False
    ) -> dict[str, Any]:
        """Make a branch, as somebody else may have."""
        branch = {
            "id": str(uuid.uuid4()),
            "name": name,
            "project_ref": ref,
            "parent_project_ref": REF,
            "is_default": is_default,
            "persistent": False,
            "status": "CREATING_PROJECT",
            "created_at": "2026-11-30T00:00:00Z",
            "updated_at": "2026-11-30T00:00:00Z",
            "with_data": not is_default,
        }
        self.branches[str(branch["id"])] = branch
        return branch

    @property
    def names(self) -> list[str]:
        return [each["name"] for each in self.branches.values()]

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Return status and JSON of one request."""
        for (failing, pattern), code in self.fails.items():
            if method == failing and re.fullmatch(pattern, path):
                return code, {"message": f"as {code}"}
        project, branch = f"/v1/projects/{REF}", re.fullmatch(r"/v1/branches/([0-9a-f-]{36})", path)
        if (method, path) == ("GET", project):
            return 200, self._project()
        if (method, path) == ("GET", f"{project}/database/backups"):
            return 200, self._backups()
        if (method, path) == ("POST", f"{project}/database/backups/restore-pitr"):
            jsonschema.validate(body, _BODIES["restore-pitr"])
            self.status = "RESTORING"
            return 201, None
        if (method, path) == ("GET", f"{project}/branches"):
            return 200, list(self.branches.values())
        if (method, path) == ("POST", f"{project}/branches"):
            jsonschema.validate(body, _BODIES["branches"])
            return 201, self.add(body["branch_name"])
        if branch and branch[1] in self.branches:
            return self._branch(method, branch[1])
        if re.fullmatch(r"/v1/projects/[a-z]{20}/health\?services=db", path):
            return 200, [{"name": "db", "healthy": True, "status": "ACTIVE_HEALTHY"}]
        return 404, {"message": "Not found"}

    def _project(self) -> dict[str, Any]:
        version = {
            "host": "db.example.org",
            "version": "17.6.1.054",
            "postgres_engine": "17",
            "release_channel": "ga",
        }
        named = {"id": REF, "ref": REF, "organization_id": "org", "organization_slug": "org", "name": "app"}
        return {**named, "region": "eu-west-1", "created_at": "", "status": self.status, "database": version}

    def _backups(self) -> dict[str, Any]:
        span = dict(
            zip(
                ("earliest_physical_backup_date_unix", "latest_physical_backup_date_unix"),
                self.pitr or (),
                strict=False,
            )
        )
        enabled = {"region": "eu-west-1", "walg_enabled": True, "pitr_enabled": self.pitr is not None}
        return {**enabled, "backups": self.backups, "physical_backup_data": span}

    def _branch(self, method: str, branch: str) -> tuple[int, Any]:
        if method == "DELETE":
            del self.branches[branch]
            return 200, {"message": "ok"}
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        detail = {
            "ref": self.branches[branch]["project_ref"],
            "postgres_version": "17.6",
            "postgres_engine": "17",
        }
        return 200, {**detail, "release_channel": "ga", "status": status, **self.login}


@contextmanager
def management_api() -> Generator[Hosted]:
    """Run the server."""
    hosted = Hosted()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            hosted.asked.append((self.command, self.path, body))
            allowed = self.headers["Authorization"] == f"Bearer {TOKEN}"
            code, answer = (
                hosted.answer(self.command, self.path, body)
                if allowed
                else (401, {"message": "Unauthorized"})
            )
            content = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _serve

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    hosted.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hosted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
