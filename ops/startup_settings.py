"""`[environments.NAME.startup]` of `runbooks.toml`: what says that the app has started after a promotion."""

from __future__ import annotations

import zoneinfo
from datetime import timedelta
from typing import Self

from pydantic import Field, field_validator, model_validator

from ops.settings import Strict


class Startup(Strict):
    """What is asked, beside the environment's `health_url`, and for how long."""

    query: str | None = Field(
        default=None, description="returns a row once the app has started; may use %(since)s"
    )
    log_url: str | None = Field(default=None, description="secret reference of the URL of the app's log")
    log_says: str = Field(
        default="", description="what a line of the log says once the app has started; its time must be in it"
    )
    log_timezone: str | None = Field(
        default=None, description="zone of the log's times where they have none, such as UTC"
    )
    within: timedelta = Field(default=timedelta(minutes=1), ge=timedelta(0))

    @field_validator("log_timezone")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        try:
            zoneinfo.ZoneInfo(name or "UTC")
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{name!r} is no time zone; say one such as Europe/Berlin, or UTC") from None
        return name

    @model_validator(mode="after")
    def _telling(self) -> Self:
        if self.log_url and not self.log_says.strip():
            raise ValueError(
                "log_url is named and log_says is empty, which every log says, so it would prove nothing; say what the "
                "app writes once it has started, such as log_says = 'schema guard passed'"
            )
        if self.log_says and not self.log_url:
            raise ValueError("log_says is named, and no log_url where it could be read")
        return self
