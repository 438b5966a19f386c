"""The tables of `runbooks.toml` that say what is evaluated every night, how, and what a release must hold.

Source: phase2-rollout-and-eval.md, section 5. Expressions are JMESPath (https://jmespath.org) over one record.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from ops.settings import Glob, Strict

RunType = Literal["nightly", "canary", "manual"]


class Fields(Strict):
    """`[eval.fields]`: where each part of a record stands in it, as JMESPath; what is absent is null."""

    key: str = Field(default="id", description="unique among the records; text or number")
    created: str = Field(
        default="created_at", description="ISO 8601, or seconds, milli-, micro- or nanoseconds since 1970"
    )
    output: str = Field(default="output", description="what the model wrote: JSON, or text with JSON in it")
    provider: str = "selected_provider"
    route_strategy: str = "route_strategy"
    prompt_template_version: str = "prompt_template_version"
    environment: str = "environment"
    latency_ms: str = "latency_ms"
    latency_unit: Literal["ms", "s"] = Field(default="ms", description="in what `latency_ms` counts")
    cost_usd: str = "cost_usd"
    publish: str = Field(
        default="publish_state",
        description="true, false, a number from 0 to 1, or one of the words of `publish_values`",
    )


class Floors(Strict):
    """`[eval.gate.floors]`: the lowest rate of each measure that a release may have; null: none."""

    schema_valid: float | None = Field(default=None, ge=0, le=1)
    safe: float | None = Field(default=None, ge=0, le=1)
    publish_proxy: float | None = Field(default=None, ge=0, le=1)


class EvalGate(Strict):
    """`[eval.gate]`: how the verdict is found."""

    floors: Floors = Floors()
    least_samples: int = Field(default=30, ge=1, description="below it nothing fails")
    minimum_effect: float = Field(default=0.02, gt=0, lt=1, description="a smaller drop does not matter")
    alpha: float = Field(
        default=0.02,
        gt=0,
        lt=0.5,
        description="share of nights without a change that may fail, all tests together",
    )
    trend_runs: int = Field(default=14, ge=3, description="runs over which a slow decline is looked for")
    seed: int = Field(default=20260215, description="of every random draw; kept with the verdict")


class Eval(Strict):
    """`[eval]`: which records are evaluated, and by what."""

    table: str = Field(default="public.ai_training_examples", description="the records, schema.table")
    runs: str = "public.ai_eval_runs"
    samples: str = "public.ai_eval_samples"
    summary: str = "public.ai_eval_run_summary_v1"
    where: dict[str, str] = Field(
        default_factory=dict, description="column: value that a record must have to be exported"
    )
    fields: Fields = Fields()
    publish_values: dict[str, float] = Field(
        default={"published": 1.0, "edited": 0.5, "discarded": 0.0},
        description="what each word of `fields.publish` is worth, from 0 to 1",
    )
    schemas: Path = Field(
        default=Path("evals/schemas"),
        description="folder of JSON Schemas: VARIANT/TEMPLATE_VERSION.json, else VARIANT.json",
    )
    rules: Path = Field(default=Path("evals/safety.toml"), description="the safety rules")
    schema_variant: str = "sitecraft"
    run_type: RunType = "nightly"
    days: int = Field(default=1, ge=1, le=366, description="how far back the first night looks")
    limit: int = Field(default=1_000_000, ge=1, description="records of one run; what is left is said")
    page: int = Field(default=1000, ge=1, le=100_000, description="records of one page of the REST API")
    overlap: timedelta = Field(
        default=timedelta(hours=1), ge=timedelta(0), description="how late a record may arrive"
    )
    most_silence: timedelta = Field(
        default=timedelta(hours=26), gt=timedelta(0), description="after that a night is said to be missing"
    )
    slices: tuple[str, ...] = ("provider", "route_strategy", "prompt_template_version", "environment")
    most_values: int = Field(
        default=20, ge=1, description="values of a slice that are told apart; the rest is one slice, `other`"
    )
    gate: EvalGate = EvalGate()

    @model_validator(mode="after")
    def _known_slices(self) -> Self:
        known = {"provider", "route_strategy", "prompt_template_version", "environment"}
        if unknown := set(self.slices) - known:
            raise ValueError(f"slices are {', '.join(sorted(known))}; {', '.join(sorted(unknown))} is none")
        if any(not 0 <= value <= 1 for value in self.publish_values.values()):
            raise ValueError("publish_values are from 0 to 1")
        return self


class EvalSource(Strict):
    """`[environments.NAME.eval]`: from where the records of this environment come, and who is told.

    `rest` reads through PostgREST with the service role, `copy` straight from the environment's `database`, `file` from
    JSONL files below the project's root. Without `kind` it is `copy` where there is a database, else `rest`.
    """

    kind: Literal["rest", "copy", "file"] | None = None
    url: str = Field(default="env:SUPABASE_URL", description="secret reference of the project's URL")
    key: str = Field(
        default="env:SUPABASE_SERVICE_ROLE_KEY", description="secret reference of the service role's key"
    )
    files: tuple[Glob, ...] = Field(default=(), description="globs of the files of kind `file`")
    ping: str | None = Field(
        default=None,
        description="secret reference of a dead-man's URL that is called after each night that ran",
    )
