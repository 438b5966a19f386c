"""A TCP proxy that cuts what goes through it at a chosen byte."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

Cut = Literal["one", "all", "dead"]


@dataclass
class Proxy:
    """Counts the bytes of both directions, and at byte `at` cuts `one` connection, `all`, or is `dead` from then on.

    The byte itself does not arrive. While it is `deaf`, what is sent arrives, and its answer cuts all.
    """

    to: int
    at: int | None = None
    cut: Cut = "one"
    port: int = 0
    seen: int = 0
    happened: bool = False
    deaf: bool = False
    _pairs: set[tuple[socket.socket, socket.socket]] = field(
        default_factory=set[tuple[socket.socket, socket.socket]]
    )
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def accept(self, listener: socket.socket) -> None:
        """Serve until the listener is closed."""
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if self.happened and self.cut == "dead":
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self.to))
            pair = (client, server)
            self._pairs.add(pair)
            for source, sink in (pair, (server, client)):
                threading.Thread(target=self._pump, args=(source, sink, pair), daemon=True).start()

    def close(self) -> None:
        """Cut every connection."""
        for pair in list(self._pairs):
            self._drop(pair)

    def _pump(
        self, source: socket.socket, sink: socket.socket, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self.deaf and source is pair[1]:
                    self.deaf = False
                    self.close()
                    return
                whole = self._allowed(len(data))
                sink.sendall(data[:whole])
                if whole < len(data):
                    self.close() if self.cut != "one" else self._drop(pair)
                    return
        self._drop(pair)

    def _allowed(self, length: int) -> int:
        with self._lock:
            before, self.seen = self.seen, self.seen + length
            if self.at is None or self.happened or self.seen < self.at:
                return length
            self.happened = True
            return max(0, self.at - 1 - before)

    def _drop(self, pair: tuple[socket.socket, socket.socket]) -> None:
        self._pairs.discard(pair)
        for end in pair:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def proxy(to: int, *, at: int | None = None, cut: Cut = "one") -> Generator[Proxy]:
    """Stand before the port `to` of this machine on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Proxy(to, at, cut, port=listener.getsockname()[1])
        threading.Thread(target=made.accept, args=(listener,), daemon=True).start()
        try:
            yield made
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            made.close()
