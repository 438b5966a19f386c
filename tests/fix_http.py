"""An HTTP server for as long as a test asks it; it is gone as soon as it is told to go."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer

# Python's own looks twice a second whether it is to stop.
_POLL_SECONDS = 0.01


@contextmanager
def serving(
    handler: type[BaseHTTPRequestHandler], *, kind: type[HTTPServer] = ThreadingHTTPServer
) -> Generator[str]:
    """Yield its address."""
    with kind(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
