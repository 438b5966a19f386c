"""A webhook that somebody else would have: it keeps what it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer


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
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/services/T0000/B0000/sEcReTpArT", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
