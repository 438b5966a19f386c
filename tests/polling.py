"""Wait for something to come true, without a guess about how long it takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def wait_until(holds: Callable[[], bool], *, seconds: float = 20, pause: float = 0.1) -> None:
    """Ask until something holds; fail when it does not in time.

    What comes soon is seen soon; what takes longer is asked for more seldom, at last after `pause` seconds: each
    question takes time from what is waited for.
    """
    began, waiting = time.monotonic(), threading.Event()
    while not holds():
        waited = time.monotonic() - began
        assert waited < seconds, f"It did not come true within {seconds} s."
        waiting.wait(min(pause, 0.02 + waited / 10))
