"""The numbers of the summary as they follow from a tally, and whether what Postgres says is just that."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from ops.evals import THOUSAND, Moments, Tally

MICROS = 1_000_000
_DIGITS = 4
Number = Fraction | float | int | None


def expected(tally: Tally, sums: Mapping[str, int]) -> dict[str, Number]:
    """Return what the summary says of a slice; how many samples have an error at all is summed in the database."""
    return {
        "samples": tally.samples,
        "schema_valid_rate": _mean(tally.measures.get("schema_valid")),
        "safety_rate": _mean(tally.measures.get("safe")),
        "publish_proxy": _mean(tally.measures.get("publish_proxy")),
        "latency_p95_ms": tally.latency.quantile(0.95),
        "errored": sums.get("errored", 0),
        "cost_usd": Fraction(tally.cost.total, MICROS) if tally.cost.n else None,
    }


def same(found: object, wanted: Number) -> bool:
    """Whether a value of Postgres is what is expected, to as many digits as it has; its numeric rounds half up."""
    if found is None or wanted is None:
        return found is None and wanted is None
    if isinstance(found, Decimal):
        return found == _rounded(Fraction(wanted), places=max(0, -int(found.as_tuple().exponent)))
    if isinstance(found, float) and isinstance(wanted, Fraction):
        return math.isclose(found, wanted, rel_tol=1e-12)
    return found == wanted


def said(wanted: Number) -> str:
    """Return an expected number as a person reads it."""
    if isinstance(wanted, Fraction):
        places = 6 if MICROS % wanted.denominator == 0 else _DIGITS
        return str(_rounded(wanted, places=places))
    return str(wanted)


def _mean(moments: Moments | None) -> Fraction | None:
    return Fraction(moments.total, THOUSAND * moments.n) if moments and moments.n else None


def _rounded(value: Fraction, *, places: int) -> Decimal:
    units = math.floor(value * 10**places + Fraction(1, 2))
    return Decimal(units).scaleb(-places)
