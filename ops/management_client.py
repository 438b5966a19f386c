"""Asks the Supabase Management API: one request at a time, its answers read strictly, its errors translated once.

Paths and fields are those of the published OpenAPI description (v1).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from ops import errors, secrets
from ops.backup_settings import ManagementApi

_TIMEOUT = 30.0


@dataclass(frozen=True)
class Client:
    """The API as one access token may use it."""

    settings: ManagementApi

    def get(self, path: str) -> Any:
        """Return what a path answers; raises as `ask` does."""
        return self.ask("GET", path)

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        absent_is_fine: bool = False,
    ) -> Any:
        """Send one request and return the answer's JSON, or None where it has none.

        Raises:
            Refused: the token or what is asked for is not accepted.
            Unavailable: nobody answers, too much was asked, or the service is in trouble.
            CheckFailed: the answer is none of this API's.
        """
        token = secrets.open_secret(self.settings.token)
        try:
            answer = httpx.request(
                method,
                f"{self.settings.url}{path}",
                json=body,
                headers={"Authorization": f"Bearer {token}"},
                timeout=_TIMEOUT,
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise errors.Unavailable(
                f"The Management API was not reached ({type(error).__name__}), so nothing is known of "
                f"{self.settings.ref}."
            ) from None
        if answer.status_code == 404 and absent_is_fine:
            return None
        if not answer.is_success:
            raise _refusal(method, path, answer)
        if not answer.content:
            return None
        try:
            return answer.json()
        except json.JSONDecodeError:
            raise errors.CheckFailed(
                f"The Management API answered {method} {path} with something else than JSON."
            ) from None


def _refusal(method: str, path: str, answer: httpx.Response) -> errors.OpsError:
    said = secrets.redact(answer.text[:200].strip())
    code = answer.status_code
    what = f"The Management API answered {method} {path} with {code}" + (f" ({said})" if said else "")
    if code == 401:
        return errors.Refused(f"{what}. Look at `token` of backups.api: it is not valid any more.")
    if code == 403:
        return errors.Refused(f"{what}. The token's owner, or the project's plan, does not have this right.")
    if code == 429 or code >= 500:
        return errors.Unavailable(f"{what}. Try again later.")
    return errors.Refused(f"{what}. Look at `ref` of backups.api.")
