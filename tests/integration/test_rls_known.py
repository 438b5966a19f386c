"""Holes of RLS that a project knows of: said each time, and no failure; what it does not name fails as before."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.staging_rehearsal import staging_rehearsal
from ops import errors
from ops.choices import Choices
from ops.verdict import Rehearsal
from tests import projects


def rehearsed(root: Path, named: str) -> Rehearsal:
    projects.uncovered_table(root)
    projects.write(root, migrations={}, config=f'[project]\ncontract = []\nrls_holes = ["{named}"]\n')
    return staging_rehearsal.fn(str(root), "throw-away", Choices())


def test_a_hole_that_is_named_fails_nothing(tmp_path: Path):
    (finding,) = rehearsed(tmp_path, "public.open_*").rls.findings
    assert (finding.level, "is known" in finding.message) == ("warning", True)


def test_a_hole_that_is_not_named_fails(tmp_path: Path):
    with pytest.raises(errors.CheckFailed, match="1 RLS hole, the first in public"):
        rehearsed(tmp_path, "public.other")
