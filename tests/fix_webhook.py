"""A webhook that somebody else would have: it keeps what it is told."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from tests import fix_http


class _Webhook(BaseHTTPRequestHandler):
    status = 200
    heard: list[dict[str, str]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).heard.append(json.loads(body))
        self.send_response(type(self).status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def webhook(status: int = 200) -> Generator[tuple[str, list[dict[str, str]]]]:
    """Yield its address, whose path is a secret, and what it has heard."""
    heard: list[dict[str, str]] = []
    handler = type("Handler", (_Webhook,), {"status": status, "heard": heard})
    with fix_http.serving(handler, kind=HTTPServer) as address:
        yield f"{address}/services/T0000/B0000/sEcReTpArT", heard
