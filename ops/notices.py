"""What people are told of a run, and through which channels; how it gets there is `tasks/channels.py`."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from ops import secrets
from ops.notice_settings import Channels, Occasion
from ops.project import Environment

# So often a channel is tried; after the third time the wait doubles each time, so that the last is after a day.
MOST_TRIES = 10
_FIRST_WAIT = timedelta(minutes=10)
_AT_ONCE = 3
# No channel takes as long to say whether it has taken a message.
_LONGEST_TRY = timedelta(minutes=1)
_LONGEST_SAID = 1500
_TITLES = {
    Occasion.FAILED: "Failed",
    Occasion.CRASHED: "Crashed",
    Occasion.WAITING: "Waits for somebody",
    Occasion.LAPSED: "Nobody answered in time",
    Occasion.DECIDED: "Approved",
    Occasion.DENIED: "Rejected",
}


@dataclass(frozen=True, slots=True)
class Channel:
    """One place where somebody is told: `to` is a secret reference, or an e-mail address."""

    kind: Literal["slack", "webhook", "email"]
    to: str

    @property
    def id(self) -> str:
        """What it is called where letters, digits and dashes are allowed."""
        return f"{self.kind}-{hashlib.sha256(self.to.encode()).hexdigest()[:8]}"

    def __str__(self) -> str:
        # The line of a command is not for everybody.
        return f"{self.kind} {self.to if not self.to.startswith('command:') else 'command:...'}"


class Notice(BaseModel):
    """What is told once, and the channels that it is meant for, by their ids."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    occasion: str
    at: datetime
    project: str
    environment: str
    run: str
    said: str
    link: str
    channels: tuple[str, ...]

    @property
    def title(self) -> str:
        """Return the line that says what it is about."""
        # What goes up a level is named after the level.
        named = self.occasion.replace("-", " ").capitalize()
        what = _TITLES[Occasion(self.occasion)] if self.occasion in set(Occasion) else named
        return f"{what}: {self.run} ({self.project}, {self.environment})"

    @property
    def body(self) -> str:
        return "\n".join(part for part in (self.said, self.link) if part)


def notice(
    where: Environment,
    occasion: Occasion | str,
    *,
    at: datetime,
    project: str,
    run: str,
    said: str,
    link: str,
    among: Iterable[Channel],
) -> Notice:
    """Return a notice without secrets in it, of a length that a person reads."""
    text = said if len(said) <= _LONGEST_SAID else f"{said[:_LONGEST_SAID]} ..."
    return Notice(
        occasion=str(occasion),
        at=at,
        project=secrets.redact(project),
        environment=where.name,
        run=secrets.redact(run),
        said=secrets.redact(text),
        link=link,
        channels=tuple(each.id for each in among),
    )


def channels(of: Channels) -> Iterator[Channel]:
    """Yield the channels that are named, each once."""
    yield from (Channel("slack", each) for each in dict.fromkeys(of.slack))
    yield from (Channel("webhook", each) for each in dict.fromkeys(of.webhook))
    yield from (Channel("email", each) for each in dict.fromkeys(of.email))


def known(where: Environment) -> dict[str, Channel]:
    """Return all channels of an environment, those of its levels too, by their ids."""
    every = (where.notifications, *where.escalation)
    return {each.id: each for of in every for each in channels(of)}


def meant(where: Environment, occasion: Occasion, *, but: Collection[str]) -> tuple[Channel, ...] | None:
    """Return who is told of this, but for the webhooks that were told otherwise; nothing where nobody wants to know."""
    if not where.notifications.some or occasion not in where.notifications.on:
        return None
    return tuple(each for each in channels(where.notifications) if each.to not in but)


def is_due(*, tries: int, last: datetime, failed: bool, now: datetime) -> bool:
    """Whether a channel is tried again that was tried so often, the last time then and with this end, if it had one."""
    if tries >= MOST_TRIES:
        return False
    if not failed and now - last < _LONGEST_TRY:
        return False
    wait = _FIRST_WAIT * 2 ** (tries - _AT_ONCE) if tries >= _AT_ONCE else timedelta(0)
    return now - last >= wait


def escaped(text: str) -> str:
    """Return a text in which no name of a file pings a channel or passes for a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
