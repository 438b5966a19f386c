"""Which role a key of Supabase's API stands for, as far as the key says so; the key itself is never shown."""

from __future__ import annotations

import base64
import json
from typing import Any, cast

from ops import errors

_READS_NOTHING = {"anon", "authenticated"}


def role(key: str) -> str | None:
    """Return the role of a key; nothing where the key does not say it."""
    if key.startswith("sb_publishable_"):
        return "anon"
    if key.startswith("sb_secret_"):
        return "service_role"
    parts = key.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    found = cast("dict[str, Any]", claims).get("role") if isinstance(claims, dict) else None
    return found if isinstance(found, str) else None


def verify(key: str, *, environment: str) -> None:
    """Check that the key reads what row level security hides from others.

    Raises:
        Refused: it reads nothing where the service role would.
    """
    found = role(key)
    if found in _READS_NOTHING:
        raise errors.Refused(
            f"The key of {environment} stands for {found}: this key reads nothing where the service role would, since "
            "row level security hides the records. Let `key` in "
            f"[environments.{environment}.eval] name the service role's."
        )
