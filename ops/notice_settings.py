"""`[environments.NAME.notifications]` and `[[environments.NAME.escalation]]`: who is told of a run, when and where."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from ops.settings import Strict


def _named(reference: str) -> str:
    kind, _, name = reference.partition(":")
    if kind not in ("env", "file", "command") or not name:
        raise ValueError("name the secret as env:NAME, file:PATH or command:LINE, and write no address here")
    return reference


def _reachable(address: str) -> str:
    if not re.fullmatch(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+", address):
        raise ValueError("this is no e-mail address, as grace@example.com is one")
    return address


Reference = Annotated[str, AfterValidator(_named)]
Address = Annotated[str, AfterValidator(_reachable)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class Occasion(StrEnum):
    """What people are told of."""

    FAILED = "failed"
    CRASHED = "crashed"
    WAITING = "waiting"
    LAPSED = "lapsed"
    DECIDED = "decided"
    DENIED = "denied"


class Channels(Strict):
    """Where somebody is told: Slack's and other webhooks by secret reference, e-mail addresses as they are."""

    slack: tuple[Reference, ...] = ()
    webhook: tuple[Reference, ...] = ()
    email: tuple[Address, ...] = ()

    @property
    def some(self) -> bool:
        return bool(self.slack or self.webhook or self.email)


class Notifications(Channels):
    """Who is told of every run on an environment."""

    on: tuple[Occasion, ...] = tuple(Occasion)
    smtp: Reference | None = Field(default=None, description="secret reference of the URL of the mail server")


class Level(Channels):
    """Who is told when nobody has looked after a run for so long since it failed or asked."""

    name: Word
    after: timedelta = Field(gt=timedelta(0), le=timedelta(days=30))
    people: tuple[str, ...] = Field(default=(), description="named in what the level is told")

    @model_validator(mode="after")
    def _reaches_somebody(self) -> Level:
        if not self.some:
            raise ValueError("a level without slack, webhook or email reaches nobody")
        return self
