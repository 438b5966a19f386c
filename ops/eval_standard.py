"""By what a night's records are read and judged, as plain values that a process can be given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ops.eval_measures import REGISTRY, Means
from ops.eval_problems import Unjudged
from ops.eval_records import Reader, Record
from ops.eval_safety import Safety
from ops.eval_schemas import Schemas


@dataclass(frozen=True, slots=True)
class Standard:
    """The mapping, the schemas, the rule set and what they are called together.

    `linked` says that keys are numbers of rows of the source's table; after `horizon` no record can have been made.
    """

    fields: Mapping[str, str]
    latency_scale: int
    publish_values: Mapping[str, float]
    schemas: Mapping[str, Any]
    rules: Mapping[str, Any] | None
    version: str
    linked: bool
    horizon: str | None = None

    def reader(self) -> Reader:
        """Return what reads lines by the mapping."""
        horizon = datetime.fromisoformat(self.horizon) if self.horizon else None
        return Reader(self.fields, horizon=horizon, latency_scale=self.latency_scale)

    def judge(self) -> Judge:
        """Return what judges records by schemas and rules."""
        safety = Safety(self.rules) if self.rules is not None else None
        return Judge(Means(Schemas(self.schemas), safety, self.publish_values))


class Judge:
    """Every measure of the registry, ready."""

    def __init__(self, means: Means) -> None:
        self.means = means
        self._measures = [(each.name, each.of) for each in REGISTRY.values()]

    def judged(self, record: Record) -> tuple[dict[str, int | None], list[str]]:
        """Return the value of each measure and which ones failed; why is added to the record's problems."""
        values: dict[str, int | None] = {}
        errored: list[str] = []
        for name, of in self._measures:
            try:
                values[name] = of(record, self.means)
            except Unjudged as error:
                errored.append(name)
                record.problems.append(f"{name}: {error}")
            # A measure is somebody's function: whatever it raises is about this record, and is never a pass.
            except Exception as error:
                errored.append(name)
                record.problems.append(f"{name}: fails with {type(error).__name__}")
        return values, errored
