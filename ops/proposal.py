"""What a gate is asked about: a plan, bound by its digest, and the environment that says who decides."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.project import Environment


@dataclass(frozen=True)
class Proposal:
    """A plan that somebody is to approve at a gate; `document` is the whole of it, as Markdown, `items` a checklist.

    `plan_digest` is over content only: the change, the target's identity, this environment's overlay and the target's
    schema before the act. An approval is one of this digest and of no other. `reference` names the database that is
    acted on, where the environment names none. `place` says where that answered when it was asked about.
    """

    gate: str
    environment: Environment
    root: Path
    plan_digest: str
    summary: str
    document: str = field(repr=False)
    items: tuple[str, ...] = ()
    change_digest: str = ""
    commit: str | None = None
    reference: str | None = None
    place: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def title(self) -> str:
        return f"{self.gate} on {self.environment.name}"


def digest(content: Mapping[str, Any]) -> str:
    """Return the digest of a plan's content (SHA-256), whatever the order in which it is said.

    Raises:
        TypeError: the content is not plain (texts, numbers, lists and mappings of them).
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
