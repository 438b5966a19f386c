"""How a runbook ends that runs in this process: with its result, also where it broke off or never began."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import TypeVar

from ops import errors, secrets
from ops.evidence import Evidence
from ops.verdict import Verdict

R = TypeVar("R", bound=Evidence)


def ended(run: Callable[[], R], kind: type[R], never_began: Callable[[str, Verdict], R], *, what: str) -> R:
    """Run a runbook and return its result; `never_began` makes one of a message where there is none."""
    try:
        return run()
    except errors.OpsError as error:
        if isinstance(error.evidence, kind):
            return error.evidence
        return never_began(secrets.redact(str(error)), Verdict.of(error))
    except Exception as error:
        # Nothing was found out, so it neither holds nor is wrong; whoever reads the JSON must learn that too.
        print(secrets.redact(traceback.format_exc()), file=sys.stderr)
        said = f"The {what} ended in a defect of its own, {type(error).__name__}: {error}. Please report it."
        return never_began(secrets.redact(said), Verdict.UNAVAILABLE)
