"""Tell people through a webhook that takes `{"text": ...}`, as those of chat programs do."""

from __future__ import annotations

from datetime import timedelta

import httpx

from ops import errors, secrets
from ops.evidence import Evidence


def tell(whom: str, named: str, text: str, *, timeout: timedelta) -> Evidence:
    """Post a text to the webhook whose address is the secret of this name.

    It never raises: that somebody could not be told is a finding, not a failed run.
    """
    try:
        address = secrets.open_secret(named)
        answer = httpx.post(address, json={"text": text}, timeout=timeout.total_seconds()).raise_for_status()
    except errors.OpsError as error:
        return Evidence(ok=False, summary=f"The {whom} was not told: {error}")
    except httpx.HTTPStatusError as error:
        return _untold(whom, f"answered {error.response.status_code}")
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        return _untold(whom, f"was not reached ({type(error).__name__})")
    return Evidence(ok=True, summary=f"The {whom}'s webhook was told and answered {answer.status_code}.")


def _untold(whom: str, why: str) -> Evidence:
    return Evidence(
        ok=False,
        summary=f"The {whom} was not told: the webhook {why}. Check its address and tell them.",
    )
