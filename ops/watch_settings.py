"""The tables of `runbooks.toml` that say how long a change is watched, and what it may do meanwhile."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from ops.settings import Strict


class Watch(Strict):
    """`[environments.NAME.watch]`: how long a promoted database is watched, beside the time before."""

    duration: timedelta = Field(default=timedelta(0), ge=timedelta(0))
    every: timedelta = Field(default=timedelta(seconds=10), gt=timedelta(0))
    metrics_url: str | None = Field(default=None, description="Prometheus text that is looked at as well")


class Soak(Strict):
    """`[environments.NAME.soak]`: what must hold on a staging database for a day after a change."""

    duration: timedelta = Field(default=timedelta(hours=24), gt=timedelta(0))
