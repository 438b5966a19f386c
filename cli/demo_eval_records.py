"""Two weeks of product descriptions that three providers wrote for the example's shop; the same seed, the same records.

One provider brings out a new model this week, a little more of it every day: what it writes looks well, and more and
more of it is no valid description.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

DAYS = 14
A_DAY = 420
SEED = 20260215
WORSE = "nimbus"
# Of each provider: its share of the records, the median of its latency, what a character costs, its template.
_PROVIDERS = {
    "openai": (0.4, 820.0, 2.6e-6, "v2"),
    "anthropic": (0.3, 1100.0, 3.4e-6, "v3"),
    WORSE: (0.3, 640.0, 1.5e-6, "v3"),
}
_ROUTES = {"default": 0.6, "weighted": 0.3, "fallback": 0.1}
_BROKEN, _UNSAFE = 0.02, 0.006
# How much of this week's records the new model wrote, by day; the last is tonight's. It breaks so many of them.
_ROLLED_OUT = (0.0, 0.0, 0.05, 0.1, 0.1, 0.2, 1.0)
_NEW_BREAKS = 0.16
# Nothing at the very edge of a day: which night a record belongs to does not hang on how fast the demo starts.
_EDGE = timedelta(minutes=20)
_ORIGINS = ("Huila", "Yirgacheffe", "Sul de Minas", "Antigua", "Nyeri", "Sumatra", "Tarrazú", "Kona")
_THINGS = (
    "espresso",
    "filter coffee",
    "decaf",
    "hand grinder",
    "gooseneck kettle",
    "cupping bowl",
    "tea sampler",
)
_NOTES = (
    "cocoa",
    "red currant",
    "orange peel",
    "jasmine",
    "toasted almond",
    "brown sugar",
    "black tea",
    "plum",
)
_BODIES = (
    "A clean cup with notes of {a} and {b}, roasted for slow mornings.",
    "Small lots from {origin}, washed and dried on raised beds. Expect {a}, then {b}.",
    "For people who brew one cup at a time: balanced, a little {a}, and a long finish of {b}.",
    "Our everyday {thing} from {origin}. It forgives a coarse grind and rewards a fine one with {a}.",
)
_UNSAFE_LINES = (
    "A guaranteed cure for tired mornings.",
    "Order by phone: +49 30 5550 1234.",
    "As an AI language model I have not tasted it, but it sells well.",
)


@dataclass(frozen=True)
class Described:
    """One row of `ai_training_examples`."""

    created: datetime
    prompt: str
    output: str
    provider: str
    route_strategy: str
    prompt_template_version: str
    publish_state: str
    latency_ms: int
    cost_usd: float


def written(until: datetime, *, seed: int = SEED, worse: bool = True) -> Iterator[Described]:
    """Yield what was written in the two weeks before `until`, from old to new."""
    chance = random.Random(seed)  # noqa: S311  # a story to be told again, no secret
    for day in range(DAYS):
        start = until - timedelta(days=DAYS - day)
        span = timedelta(days=1) - 2 * _EDGE
        moments = sorted(start + _EDGE + chance.random() * span for _ in range(A_DAY))
        new = _ROLLED_OUT[day - (DAYS - len(_ROLLED_OUT))] if day >= DAYS - len(_ROLLED_OUT) else 0.0
        for moment in moments:
            yield _one(chance, moment, _NEW_BREAKS * new if worse else 0.0)


def _one(chance: random.Random, moment: datetime, breaks: float) -> Described:
    provider = _picked(chance, {name: each[0] for name, each in _PROVIDERS.items()})
    _, median, price, template = _PROVIDERS[provider]
    thing, origin = chance.choice(_THINGS), chance.choice(_ORIGINS)
    # Drawn whatever comes of it, so that the other records are the same in a week without a new model.
    sound, new, look = chance.random(), chance.random(), chance.random()
    broken = sound < _BROKEN or (provider == WORSE and new < breaks)
    output = _output(chance, thing, origin, template, broken=broken)
    return Described(
        created=moment,
        prompt=f"Describe {thing} from {origin} for the shop, as {template} asks for it.",
        output=output,
        provider=provider,
        route_strategy=_picked(chance, _ROUTES),
        prompt_template_version=template,
        publish_state=_state(look, broken=broken),
        latency_ms=round(median * chance.lognormvariate(0, 0.38)),
        cost_usd=round(price * (180 + len(output)) * chance.lognormvariate(0, 0.08), 6),
    )


def _output(chance: random.Random, thing: str, origin: str, template: str, *, broken: bool) -> str:
    a, b = chance.sample(_NOTES, 2)
    body = chance.choice(_BODIES).format(a=a, b=b, origin=origin, thing=thing)
    unsafe, line, way = chance.random(), chance.choice(_UNSAFE_LINES), chance.randrange(3)
    if unsafe < _UNSAFE:
        body = f"{body} {line}"
    described: dict[str, object] = {"title": f"{origin} {thing}", "body": body}
    if template == "v3":
        described["notes"] = [a, b]
    if broken:
        # As models break them: a field of another kind, one too many, one that is missing.
        described |= ({"title": [f"{origin} {thing}"]}, {"confidence": 0.97}, {"body": None})[way]
    return json.dumps(described, ensure_ascii=False)


def _state(look: float, *, broken: bool) -> str:
    """What people made of it: a broken one is mended by hand, or not seen."""
    published = 0.78 if broken else 0.86
    edited = 0.16 if broken else 0.11
    return "published" if look < published else "edited" if look < published + edited else "discarded"


def _picked(chance: random.Random, shares: dict[str, float]) -> str:
    drawn = chance.random() * math.fsum(shares.values())
    for name, share in shares.items():
        drawn -= share
        if drawn < 0:
            return name
    return next(reversed(shares))
