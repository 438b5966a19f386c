"""`server` for a module that looks at the whole server: roles are everybody's, and other tests leave some behind.

A module imports it by its name: from tests.fix_own_server import server
"""

from __future__ import annotations

from collections.abc import Generator

import pytest

from ops import embedded


@pytest.fixture(scope="module")
def server() -> Generator[embedded.Server]:
    """The server of one module alone."""
    with embedded.running() as running:
        yield running
