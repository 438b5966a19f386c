"""A server that answers as GitHub's REST API documents it, for one repository with one pull request."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

TOKEN = "ghs_notARealTokenButLongEnough123"
REPOSITORY = "acme/shop"
NUMBER = 7
HEAD = "f" * 40
_COMMENTS = f"/repos/{REPOSITORY}/issues/{NUMBER}/comments"
_COMMENT = f"/repos/{REPOSITORY}/issues/comments/"
_STATUSES = f"/repos/{REPOSITORY}/statuses/{HEAD}"
_LONGEST = 65_536
_STATES = {"error", "failure", "pending", "success"}


@dataclass
class GitHub:
    """What the server holds; `answers` are sent in place of its own, to (method, the end of a path).

    `silent` lets it take a request and never answer.
    """

    address: str
    comments: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    statuses: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    requests: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    answers: dict[tuple[str, str], tuple[int, dict[str, str], Any]] = field(
        default_factory=dict[tuple[str, str], tuple[int, dict[str, str], Any]]
    )
    foreign: set[int] = field(default_factory=set[int])
    silent: threading.Event | None = None

    def say(self, *bodies: str, stranger: bool = False) -> None:
        """Write comments as a member of the repository's team, or as a stranger."""
        role = "NONE" if stranger else "MEMBER"
        for body in bodies:
            written = {"id": 100 + len(self.comments), "body": body}
            self.comments.append({**written, "user": {"type": "User"}, "author_association": role})

    def answered(self, method: str, target: str, headers: Any, body: Any) -> tuple[int, dict[str, str], Any]:
        path = urlsplit(target).path
        self.requests.append((method, path))
        for (wanted, end), answer in self.answers.items():
            if method == wanted and path.endswith(end):
                return answer
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {}, {"message": "Bad credentials"}
        if path == _COMMENTS and method == "GET":
            return self._page(target)
        if path == _COMMENTS and method == "POST":
            return self._created(body)
        if path.startswith(_COMMENT) and method == "PATCH":
            return self._changed(int(path.removeprefix(_COMMENT)), body)
        if path == _STATUSES and method == "POST":
            return self._status(body)
        return 404, {}, {"message": "Not Found"}

    def _page(self, target: str) -> tuple[int, dict[str, str], Any]:
        asked = parse_qs(urlsplit(target).query)
        size, page = min(100, int(asked.get("per_page", ["30"])[0])), int(asked.get("page", ["1"])[0])
        first = (page - 1) * size
        more = first + size < len(self.comments)
        link = f'<{self.address}{_COMMENTS}?per_page={size}&page={page + 1}>; rel="next"'
        return 200, {"Link": link} if more else {}, self.comments[first : first + size]

    def _created(self, body: Any) -> tuple[int, dict[str, str], Any]:
        if len(body["body"]) > _LONGEST:
            return 422, {}, {"message": "Validation Failed: body is too long (maximum is 65536 characters)"}
        self.say(body["body"], stranger=True)
        self.comments[-1]["user"] = {"type": "Bot", "login": "github-actions[bot]"}
        return 201, {}, self.comments[-1]

    def _changed(self, identity: int, body: Any) -> tuple[int, dict[str, str], Any]:
        if identity in self.foreign:
            return 403, {}, {"message": "Resource not accessible by integration"}
        for comment in self.comments:
            if comment["id"] == identity:
                comment["body"] = body["body"]
                return 200, {}, comment
        return 404, {}, {"message": "Not Found"}

    def _status(self, body: Any) -> tuple[int, dict[str, str], Any]:
        if body["state"] not in _STATES or len(body["description"]) > 140:
            return 422, {}, {"message": "Validation Failed"}
        self.statuses.append(body)
        return 201, {}, body


class _Handler(BaseHTTPRequestHandler):
    github: GitHub

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        if self.github.silent:
            self.github.silent.wait(60)
            return
        code, headers, answer = self.github.answered(self.command, self.path, self.headers, body)
        text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PATCH = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Generator[GitHub]:
    """A running server, and the environment that a job of GitHub Actions has for it."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    handler.github = found = GitHub(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    for name in ("GITHUB_EVENT_PATH", "GITHUB_RUN_ID", "GITHUB_SERVER_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_API_URL", found.address)
    monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
    monkeypatch.setenv("GITHUB_REF", f"refs/pull/{NUMBER}/merge")
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    try:
        yield found
    finally:
        if found.silent:
            found.silent.set()
        server.shutdown()
        thread.join()
        server.server_close()
