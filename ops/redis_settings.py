"""What `runbooks.toml` says of an environment's Redis: the prefix of its keys, and from where on something is found."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from ops.settings import Strict

_GLOB = frozenset("*?[]^\\")


def verified(prefix: str) -> str:
    """Return a prefix of keys that means itself and nothing else.

    Raises:
        ValueError: it is empty, or holds what Redis reads as a pattern, or what nobody sees.
    """
    if not prefix.strip():
        raise ValueError("a prefix of keys must not be empty: it would mean the keys of everybody")
    if found := sorted(_GLOB & set(prefix)):
        raise ValueError(f"a prefix of keys must not hold {' '.join(found)}, which Redis reads as a pattern")
    if not prefix.isprintable() or prefix != prefix.strip():
        raise ValueError("a prefix of keys must not hold what nobody sees")
    return prefix


Prefix = Annotated[str, AfterValidator(verified)]


class RedisLimits(Strict):
    """`[environments.NAME.redis_limits]`: from where on something of Redis is a finding."""

    memory: float = Field(default=0.8, gt=0, le=1, description="share of maxmemory that may be used")
    clients: float = Field(default=0.8, gt=0, le=1, description="share of maxclients that may be connected")
    latency: timedelta = Field(
        default=timedelta(milliseconds=50), gt=timedelta(0), description="that half of all PINGs may take"
    )
    patience: timedelta = Field(
        default=timedelta(seconds=5), gt=timedelta(0), description="that Redis may take to answer at all"
    )
    most_keys: int = Field(
        default=1_000_000, ge=1, description="so many keys are counted, and no more are looked at"
    )
