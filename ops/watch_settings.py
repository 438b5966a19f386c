"""The tables of `runbooks.toml` that say how long a change is watched, and what it may do meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from pydantic import Field, field_validator, model_validator

from ops.settings import Strict


class Metric(Strict):
    """`metrics.NAME`: one number of the metrics that the app or the platform shows, and what it may be."""

    name: str = Field(description="name of the series; those that match are added up")
    labels: dict[str, str] = Field(default_factory=dict, description="labels that a series must have")
    of: str | None = Field(default=None, description="another name, by which it is divided")
    of_labels: dict[str, str] = Field(default_factory=dict, description="labels that those must have")
    counter: bool = Field(default=False, description="only grows, so its growth counts; alone: by the second")
    most: float | None = Field(default=None, description="the most that it may be")
    most_factor: float | None = Field(default=None, gt=0, description="the most, as a multiple of before")

    @model_validator(mode="after")
    def _limited(self) -> Self:
        if self.most is None and self.most_factor is None:
            raise ValueError("a metric is judged by most, most_factor or both, and has neither")
        return self


class Watch(Strict):
    """`[environments.NAME.watch]`: how long a promoted database is watched, beside the time before."""

    duration: timedelta = Field(
        default=timedelta(0), ge=timedelta(0), description="zero: it is looked at once, and no growth is seen"
    )
    every: timedelta = Field(default=timedelta(seconds=10), gt=timedelta(0))
    most_gap: timedelta = Field(
        default=timedelta(minutes=1), description="the longest time for which nobody may have looked"
    )
    most_latency_factor: float = Field(
        default=2.0, gt=0, description="how many times as long a statement may take as before"
    )
    least_slowdown: timedelta = Field(
        default=timedelta(milliseconds=5), description="a call that takes less than this longer is not slower"
    )
    least_calls: int = Field(
        default=20, ge=2, description="calls of a statement, or transactions, below which nothing is judged"
    )
    most_rollback_increase: float = Field(
        default=0.05, ge=0, le=1, description="by how much the share of rolled back transactions may grow"
    )
    most_deadlocks: int = Field(default=0, ge=0)
    most_lost_sessions: int = Field(
        default=0, ge=0, description="sessions ended by a fatal error or by somebody"
    )
    most_lock_wait: timedelta = Field(
        default=timedelta(seconds=10), description="how long a session may wait for a lock"
    )
    most_transaction: timedelta | None = Field(
        default=None, description="how long a transaction may be open; None: it is only said"
    )
    most_replication_lag: timedelta | None = Field(
        default=None, description="how far a replica may be behind; None: it is only said"
    )
    most_connections: float = Field(
        default=0.9, gt=0, le=1, description="share of max_connections that may be in use"
    )
    most_health_latency: timedelta | None = Field(
        default=None, description="how long the health URL may take to answer; None: it is only said"
    )
    metrics_url: str | None = Field(
        default=None,
        description="Prometheus text that is looked at as well; a URL, or a secret reference of one",
    )
    metrics: dict[str, Metric] = Field(default_factory=dict, description="by a name of your own")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.most_gap < 2 * self.every:
            raise ValueError("most_gap is less than twice every, so that one lost look would be a failure")
        if self.metrics and not self.metrics_url:
            raise ValueError("metrics are named, and no metrics_url where they could be read")
        return self


class Records(Strict):
    """`[environments.NAME.soak.records]`: which rows a new generation writes, and what each of them must hold."""

    table: str = "ai_training_examples"
    fields: tuple[str, ...] = Field(
        default=("selected_provider", "route_strategy", "prompt_template_version"), min_length=1
    )
    created: str = Field(default="created_at", description="column with the time at which a row was made")
    where: str | None = Field(default=None, description="condition of the rows that are meant, about `t`")
    least: int = Field(default=1, ge=0, description="so many new rows there must be before a soak passes")


class Soak(Strict):
    """`[environments.NAME.soak]`: what must hold on a staging database for a day after a change."""

    duration: timedelta = Field(default=timedelta(hours=24), gt=timedelta(0))
    most_gap: timedelta = Field(
        default=timedelta(minutes=45), gt=timedelta(0), description="a longer time without a look starts anew"
    )
    tables: tuple[str, ...] = Field(
        default=("ai_training_examples",), min_length=1, description="tables whose write paths are watched"
    )
    allowed_lateness: timedelta = Field(
        default=timedelta(minutes=5),
        ge=timedelta(0),
        description="how late a line may arrive in a log: so long after its end a soak is looked at once more",
    )
    records: Records | None = Field(
        default=Records(),
        description="false: not watched, and a promotion takes no such soak unless it says so",
    )
    statistics: bool = Field(
        default=True, description="count rolled back transactions where nothing else says which failed"
    )
    most_rollbacks: int = Field(
        default=0, ge=0, description="rolled back transactions between two looks that are no error"
    )
    most_unattributed: int = Field(
        default=0,
        ge=0,
        description="errors at one look of which the log does not tell what they ran, such as EXECUTE",
    )
    errors_query: str | None = Field(
        default=None, description="returns a row for each SQL error between %(since)s and %(until)s"
    )
    violations_query: str | None = Field(
        default=None,
        description="the same for each constraint violation; its first column names the constraint",
    )
    logs_url: str | None = Field(
        default=None, description="logs API in the shape of Supabase's; a URL, or a secret reference of one"
    )
    logs_token: str | None = Field(default=None, description="secret reference of its bearer token")
    log_file: str | None = Field(
        default=None, description="the server's own log (log_destination = jsonlog or csvlog); may be a glob"
    )

    @field_validator("records", mode="before")
    @classmethod
    def _switched_off(cls, records: object) -> object:
        """TOML has no null."""
        return None if records is False else records
