"""One message through each channel: what a webhook, Slack and a mail server receive, or why they did not."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from ops import notices
from ops.notices import Channel, Notice
from ops.project import Environment
from tasks import channels
from tests import fix_http, fix_smtp, fix_tls
from tests.fix_webhook import webhook

# Of a module that Apprise imports where there is still one.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
LINK = "http://prefect.example/runs/flow-run/1"
SMTP = "SMTP_URL_OF_THE_TESTS"


@pytest.fixture
def notice() -> Notice:
    return notices.notice(
        Environment(name="production"),
        "failed",
        at=datetime.now(UTC),
        project="shop",
        run="Promote <!channel> & co",
        said="postgresql://grace:hUsHhUsH@db.example/shop does not answer <!here|you> or <@U1>.",
        link=LINK,
        among=(),
    )


def test_a_webhook_takes_a_text_that_pings_nobody_and_the_facts(
    notice: Notice, monkeypatch: pytest.MonkeyPatch
):
    with webhook() as (address, heard):
        monkeypatch.setenv("OPS_HOOK", address)
        assert channels.send(Channel("webhook", "env:OPS_HOOK"), notice, smtp=None) == ""
        # Chat programs that take what Slack takes.
        assert channels.send(Channel("slack", "env:OPS_HOOK"), notice, smtp=None) == ""
    full, plain = heard
    assert full["text"].splitlines() == [
        "Failed: Promote &lt;!channel&gt; &amp; co (shop, production)",
        "postgresql://grace:[redacted]@db.example/shop does not answer &lt;!here|you&gt; or &lt;@U1&gt;.",
        LINK,
    ]
    facts = {name: said for name, said in full.items() if name != "text"}
    assert facts == {
        "occasion": "failed",
        "project": "shop",
        "environment": "production",
        "run": "Promote <!channel> & co",
        "link": LINK,
    }
    assert plain == {"text": full["text"]}


def test_slack_takes_the_message_at_its_own_address(
    notice: Notice, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv(
        "SLACK_URL", "https://hooks.slack.com/services/T0000FAKE/B0000FAKE/fakefakefakefakefakefake"
    )
    with slack(tmp_path) as (proxy, certificate, heard):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        assert channels.send(Channel("slack", "env:SLACK_URL"), notice, smtp=None) == ""
    ((path, body),) = heard
    assert path == "/services/T0000FAKE/B0000FAKE/fakefakefakefakefakefake"
    assert "Promote &lt;! channel&gt; &amp; co" in body
    assert "&lt;! here|you&gt; or &lt;@ U1&gt;" in body
    assert "<" not in body
    assert LINK in body
    assert "hUsHhUsH" not in body


def test_a_mail_has_a_subject_a_plain_text_and_one_addressee(notice: Notice, monkeypatch: pytest.MonkeyPatch):
    with fix_smtp.mail_server() as (port, mails):
        monkeypatch.setenv(SMTP, server(port))
        assert channels.send(Channel("email", "grace@example.com"), notice, smtp=f"env:{SMTP}") == ""
    (mail,) = mails
    assert isinstance(mail, EmailMessage)
    assert mail["subject"] == "Failed: Promote <!channel> & co (shop, production)"
    assert "ops@example.com" in mail["from"]
    assert mail["x-given-to"] == "grace@example.com"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines()[-1] == LINK
    assert "hUsHhUsH" not in mail.get_content()


def test_who_cannot_be_told_is_said_without_the_address(notice: Notice, monkeypatch: pytest.MonkeyPatch):
    hook = Channel("webhook", "env:OPS_HOOK")
    assert "OPS_HOOK is not set" in channels.send(hook, notice, smtp=None)
    with webhook(status=503) as (address, _):
        monkeypatch.setenv("OPS_HOOK", address)
        assert channels.send(hook, notice, smtp=None) == "it answered 503"
    assert channels.send(hook, notice, smtp=None) == "it was not reached (ConnectError)"
    for nonsense in ("not an address", "http://[", "http://{{ subject }}/{{ nothing }}"):
        monkeypatch.setenv("OPS_HOOK", nonsense)
        said = channels.send(hook, notice, smtp=None)
        assert said
        assert nonsense not in said
    with fix_smtp.mail_server() as (port, mails):
        monkeypatch.setenv(SMTP, server(port, "wrong-password-of-somebody"))
        said = channels.send(Channel("email", "grace@example.com"), notice, smtp=f"env:{SMTP}")
        assert said.startswith("it did not take the message")
        assert "wrong-password" not in said
        assert mails == []
    monkeypatch.setenv(SMTP, "smtp.example.com")
    said = channels.send(Channel("email", "grace@example.com"), notice, smtp=f"env:{SMTP}")
    assert "has another form than smtps://" in said


def server(port: int, password: str = fix_smtp.PASSWORD) -> str:
    return f"smtp://ops:{quote(password, safe='')}@127.0.0.1:{port}?from=ops@example.com"


@contextmanager
def slack(folder: Path) -> Generator[tuple[str, Path, list[tuple[str, str]]]]:
    """Be hooks.slack.com for whoever comes through a proxy; yields the proxy, the certificate, and what was heard."""
    heard: list[tuple[str, str]] = []

    class Slack(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            heard.append((self.path, json.dumps(json.loads(body), ensure_ascii=False)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None: ...

    key, certificate = fix_tls.certify(folder, "hooks.slack.com")
    with ThreadingHTTPServer(("127.0.0.1", 0), Slack) as real:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        real.socket = context.wrap_socket(real.socket, server_side=True)
        threading.Thread(target=real.serve_forever, args=(0.01,), daemon=True).start()

        class Proxy(BaseHTTPRequestHandler):
            def do_CONNECT(self) -> None:
                assert self.path == "hooks.slack.com:443"
                self.send_response(200)
                self.end_headers()
                with socket.create_connection(("127.0.0.1", real.server_port)) as far:
                    thread = threading.Thread(target=_pump, args=(self.connection, far), daemon=True)
                    thread.start()
                    _pump(far, self.connection)
                    thread.join()

            def log_message(self, format: str, *args: object) -> None: ...

        with fix_http.serving(Proxy) as proxy:
            yield proxy, certificate, heard
        real.shutdown()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return
