"""Wait for something to come true, without a guess about how long it takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def wait_until(holds: Callable[[], bool], *, seconds: float = 20) -> None:
    """Ask until something holds; fail when it does not in time."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not holds():
        assert time.monotonic() < deadline, f"It did not come true within {seconds} s."
        pause.wait(0.02)
