"""The tallies of a run as its row in the database keeps them: everything but each single latency and cost."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson

from ops.evals import Tally

# Postgres's jsonb and text have no place for these.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def packed(tallies: Sequence[Tally]) -> str:
    """Return tallies as the text of a JSON array."""
    return orjson.dumps([_packed(tally) for tally in tallies]).decode()


def unpacked(values: Sequence[Any]) -> tuple[Tally, ...]:
    """Return the tallies of a run's row, which is read from JSON."""
    return tuple(Tally.model_validate(value) for value in values)


def storable(text: str) -> str:
    """Return a text with a replacement character for each that Postgres cannot store."""
    return _UNSTORABLE.sub("\ufffd", text)


def _packed(tally: Tally) -> dict[str, Any]:
    small = {
        "where": tuple((dimension, storable(value)) for dimension, value in tally.where),
        "latency": tally.latency.small,
        "cost": tally.cost.small,
    }
    return tally.model_copy(update=small).model_dump(mode="json", exclude_defaults=True)
