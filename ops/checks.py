"""What a scheduled check finds: one shape for the daily, weekly and quarterly looks, and for whoever reads them later.

Source: supabase-operations.md, "Daily", "Weekly" and "Quarterly".
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

# `failed` is to be mended now, `attention` is to be looked at, `note` is to be known.
Severity = Literal["failed", "attention", "note"]


class Finding(BaseModel):
    """One thing that is wrong, or will be: its kind in kebab-case (a lint by its public name), and at which object.

    `since` is when it began, as far as the database tells it; `why` is what it leads to, `todo` the next step. What
    is counted or timed belongs into `said`, so that the same thing is the same finding on the next day.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: str
    object: str
    severity: Severity
    said: str
    why: str
    todo: str
    since: datetime | None = None

    @property
    def fingerprint(self) -> str:
        """Eight hexadecimal digits that stay the same as long as kind and object do."""
        return hashlib.sha256(f"{self.kind}\0{self.object}".encode()).hexdigest()[:8]
