"""A real mail server that keeps what it is sent, and knows one login."""

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Generator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

PASSWORD = "not/a:real@password"


class _Box:
    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        found = email.message_from_bytes(envelope.content, policy=email.policy.default)
        found["X-Given-To"] = ", ".join(envelope.rcpt_tos)
        self.mails.append(cast("EmailMessage", found))
        return "250 OK"


def _knows(server: object, session: object, envelope: object, mechanism: str, given: Any) -> AuthResult:
    fits = isinstance(given, LoginPassword) and given.password == PASSWORD.encode()
    return AuthResult(success=fits, handled=False)


@contextmanager
def mail_server() -> Generator[tuple[int, list[EmailMessage]]]:
    """Yield its port and what it was sent."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    box = _Box()
    controller = Controller(
        box, hostname="127.0.0.1", port=port, authenticator=_knows, auth_require_tls=False
    )
    controller.start()
    try:
        yield port, box.mails
    finally:
        controller.stop()
