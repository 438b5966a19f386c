"""What every unit test has without asking for it."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from ops import secrets


@pytest.fixture(autouse=True)
def forgotten() -> Generator[None]:
    """Leave no secret of one test to the next: each one that is known costs every later text its time."""
    known = dict(secrets._known)  # pyright: ignore[reportPrivateUsage]
    yield
    secrets._known.clear()  # pyright: ignore[reportPrivateUsage]
    secrets._known.update(known)  # pyright: ignore[reportPrivateUsage]
