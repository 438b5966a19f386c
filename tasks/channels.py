"""Tell one channel through Prefect's notification blocks, which are made in memory and never saved.

A saved block can be read in clear by every caller of Prefect's API, so the address of a webhook has no place in one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast
from urllib.parse import SplitResult, quote, unquote, urlsplit

import httpx
from prefect.blocks.abstract import NotificationBlock, NotificationError
from prefect.blocks.notifications import (
    AppriseNotificationBlock,
    CustomWebhookNotificationBlock,
    SlackWebhook,
)
from prefect.types import SecretDict
from pydantic import SecretStr, ValidationError

from ops import errors, notices, secrets
from ops.notices import Channel, Notice

_WITHIN_SECONDS = 10.0
_SLACK = re.compile(r"https://hooks\.slack(-gov)?\.com/services/\w+/\w+/\w+/?")
_MENTION = re.compile(r"([!@])(?=[^\n]*>)")
# How a mail server is spoken to, and how Apprise calls that.
_MODES = {"smtp": "insecure", "smtp+starttls": "starttls", "smtps": "ssl"}


class Email(AppriseNotificationBlock):
    """E-mail through a server of one's own."""

    _block_type_name = "E-mail of a runbook"
    _block_type_slug = "runbooks-email"


def send(channel: Channel, notice: Notice, *, smtp: str | None) -> str:
    """Tell a channel, and return why it was not told; nothing where it was. It never raises for what is out there."""
    try:
        block = _block(channel, notice, smtp)
        with block.raise_on_failure():
            # Called beside an event loop it would return what nobody awaits.
            notify = cast("Callable[..., None]", block.notify)
            notify(*_texts(block, notice), _sync=True)
    except errors.OpsError as error:
        return secrets.redact(str(error))
    except httpx.HTTPStatusError as error:
        return f"it answered {error.response.status_code}"
    except NotificationError as error:
        return f"it did not take the message{_first_line(str(error.log))}"
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, OSError, ValueError, TypeError) as error:
        # The text of these could hold the address, which is a secret.
        return f"it was not reached ({type(error).__name__})"
    return ""


def _block(channel: Channel, notice: Notice, smtp: str | None) -> NotificationBlock:
    if channel.kind == "email":
        return Email(url=SecretStr(_mail_url(secrets.open_secret(smtp or ""), channel.to)))
    address = secrets.open_secret(channel.to)
    if channel.kind == "slack" and _SLACK.fullmatch(address):
        return SlackWebhook(url=SecretStr(address))
    facts = {"text": "{{ subject }}\n{{ body }}"}
    given: dict[str, str] = {}
    if channel.kind == "webhook":
        given = notice.model_dump(include={"occasion", "project", "environment", "run", "link"})
        facts |= {name: f"{{{{ {name} }}}}" for name in given}
    try:
        return CustomWebhookNotificationBlock(
            name="runbooks",
            url=address,
            json_data=facts,
            headers=None,
            cookies=None,
            timeout=_WITHIN_SECONDS,
            secrets=SecretDict(given),
        )
    except (ValidationError, KeyError):
        raise errors.Refused(f"the secret {channel} is no address. Mend it.") from None


def _texts(block: NotificationBlock, notice: Notice) -> tuple[str, str]:
    """Return body and subject, so written that a file's name pings nobody and passes for no link."""
    if isinstance(block, Email):
        return notice.body, notice.title
    if isinstance(block, SlackWebhook):
        # It escapes what it is given, and then makes what looks like a mention one again.
        return _MENTION.sub(r"\1 ", notice.body), _MENTION.sub(r"\1 ", notice.title)
    return notices.escaped(notice.body), notices.escaped(notice.title)


def _mail_url(server: str, to: str) -> str:
    """Return where Apprise sends a mail.

    Raises:
        Refused: the server's URL has another form.
    """
    url = _split(server)
    query: dict[str, str] = {}
    for part in url.query.split("&") if url else ():
        name, _, value = part.partition("=")
        query[name] = value
    if url is None or url.scheme not in _MODES or not url.hostname or "from" not in query:
        raise errors.Refused(
            "the secret of smtp has another form than smtps://USER:PASSWORD@HOST:PORT?from=ADDRESS "
            "(or smtp+starttls://, or smtp:// without encryption). Mend it."
        )
    login = f"{quote(unquote(url.username or ''), safe='')}:{quote(unquote(url.password or ''), safe='')}@"
    options = {
        "smtp": url.hostname,
        "mode": _MODES[url.scheme],
        "from": unquote(query["from"]),
        "to": to,
        "format": "text",
    }
    asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
    scheme = "mailto" if url.scheme == "smtp" else "mailtos"
    return f"{scheme}://{login if url.username else ''}{url.hostname}{f':{url.port}' if url.port else ''}/?{asked}"


def _split(server: str) -> SplitResult | None:
    try:
        url = urlsplit(server)
        return url if url.port != 0 else None
    except ValueError:
        return None


def _first_line(log: str) -> str:
    """Return what Apprise complains of, if it says that, without addresses."""
    line = next((each.strip() for each in log.splitlines() if each.strip()), "")
    return f": {secrets.redact(line)[:200]}" if line else ""
