"""kill -9 wherever a restore drill is: run again, and it passes; production is as it was, and nothing is left."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ops import database, reference, schema
from tests import damaged
from tests.damaged import Copy
from tests.drills import Shop, kinds
from tests.faults import drilled
from tests.faults.drilled import Death
from tests.fix_backups import Live
from tests.polling import wait_until

KILLED = -9
STEPS = 18


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Generator[Shop]:
    with damaged.production(tmp_path_factory.mktemp("good")) as shop:
        yield shop


@pytest.fixture
def copy(good: Shop) -> Generator[Copy]:
    with damaged.copied(good, production=True) as made:
        yield made


def production(live: Live) -> dict[str, Any]:
    """All that production has, but for what is the tool's own."""
    taken = reference.take(live.dsn)
    with database.connect(live.dsn, autocommit=False) as connection:
        found = schema.snapshot(connection)
    return {**taken.model_dump(include={"tables", "sequences"}), "schema": found}


def killed(copy: Copy, death: Death) -> None:
    """Kill a drill; what it started is gone without anybody's help."""
    assert drilled.run(copy.shop.root, death) == KILLED, death
    wait_until(lambda: copy.processes() == [], seconds=60)


def left(copy: Copy) -> set[str]:
    return {each.name for each in copy.scratch.iterdir()}


@contextmanager
def decoys(scratch: Path) -> Generator[set[str]]:
    """Folders that a sweep must not touch: of a run that lives, of somebody else, and of another name."""
    for name in ("runbooks-pg-living", "runbooks-pg-others", "pg-of-somebody"):
        (scratch / name / "data").mkdir(parents=True)
        (scratch / name / "owner").touch()
    os.chown(scratch / "runbooks-pg-others", 54321, 54321)
    with (scratch / "runbooks-pg-living" / "owner").open() as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        yield {"runbooks-pg-living", "runbooks-pg-others", "pg-of-somebody"}


def test_killed_at_each_step(copy: Copy):
    before = production(copy.shop.live)
    for number in range(1, STEPS + 1):
        killed(copy, Death("step", number))
        # Whatever the runs before have left, this one took away.
        assert len(left(copy)) <= 1, number
    assert production(copy.shop.live) == before
    found = copy.drill()
    assert (found.verdict, kinds(found)) == ("passed", set()), found.problems


@pytest.mark.parametrize("death", [Death("copied", 300), Death("replay", 1)], ids=["copying", "replaying"])
def test_killed_in_the_middle_of_the_restore(copy: Copy, death: Death):
    before = production(copy.shop.live)
    killed(copy, death)
    (abandoned,) = left(copy)
    assert production(copy.shop.live) == before
    with decoys(copy.scratch) as stay:
        found = copy.shop.drill()
        assert (found.verdict, kinds(found)) == ("passed", set()), found.problems
        assert left(copy) == stay
        assert abandoned not in stay
    assert copy.processes() == []
