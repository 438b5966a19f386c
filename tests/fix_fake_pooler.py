"""Who answers like Supabase's pooler when it refuses a login: the real one cannot be installed."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Generator
from contextlib import contextmanager

_SSL_REQUEST = struct.pack("!I", 80877103)


@contextmanager
def saying(message: str) -> Generator[int]:
    """Refuse every login with this message; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_refuse, args=(listener, message), daemon=True).start()
        yield listener.getsockname()[1]


@contextmanager
def silent() -> Generator[int]:
    """Accept every connection and never say a word; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def _refuse(listener: socket.socket, message: str) -> None:
    fields = {"S": "FATAL", "V": "FATAL", "C": "XX000", "M": message}
    body = b"".join(f"{key}{value}\0".encode() for key, value in fields.items()) + b"\0"
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with client:
            if _request(client) == _SSL_REQUEST:
                client.sendall(b"N")
                _request(client)
            client.sendall(b"E" + struct.pack("!I", len(body) + 4) + body)


def _request(client: socket.socket) -> bytes:
    (length,) = struct.unpack("!I", client.recv(4))
    return client.recv(length - 4)
