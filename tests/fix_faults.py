"""A shop whose change was rehearsed once for the whole session, and a production of its own for each test."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ops import embedded
from tests.faults import promotion_site, restarts
from tests.faults.promotion_site import Site

MakeProduction = Callable[..., Site]


@pytest.fixture(scope="session")
def rehearsed_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PRODUCTION_URL", "postgresql://nobody@/nowhere")
        patched.setenv("AUDIT_KEY", "nobody reads it here")
        return promotion_site.rehearsed(tmp_path_factory.mktemp("rehearsed") / "shop")


@pytest.fixture
def make_production(
    tmp_path: Path, rehearsed_shop: Path, request: pytest.FixtureRequest
) -> Generator[MakeProduction]:
    """Make as many productions as a test needs, each with its own copy of the shop."""
    with ExitStack() as made:

        def make(
            server: embedded.Server | None = None, *, tcp: bool = False, kind: type[Site] = Site
        ) -> Site:
            folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            chosen = server or request.getfixturevalue("server")
            return made.enter_context(promotion_site.site(folder, rehearsed_shop, chosen, tcp=tcp, kind=kind))

        yield make


@pytest.fixture
def own_server() -> Generator[restarts.Own]:
    """A server of this test's own, which it restarts."""
    with restarts.own() as own:
        yield own
