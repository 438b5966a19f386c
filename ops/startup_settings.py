"""`[environments.NAME.startup]` of `runbooks.toml`: what says that the app has started after a promotion."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from ops.settings import Strict


class Startup(Strict):
    """What is asked, beside the environment's `health_url`, and for how long."""

    query: str | None = Field(
        default=None, description="returns a row once the app has started; may use %(since)s"
    )
    log_url: str | None = Field(default=None, description="secret reference of the URL of the app's log")
    log_says: str = Field(default="", description="what the log says once the app has started")
    within: timedelta = Field(default=timedelta(minutes=1), ge=timedelta(0))
