"""kill -9 in the middle of a pause and of its end: run again, and it is whole, and everything comes back exactly."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from ops import write_pause
from tests import fix_app, fix_pause
from tests.faults import paused

KILLED = -9
EVERY = 7
PAGE = 'on = "touch {page}"\noff = "rm -f {page}"\n'


@pytest.fixture
def root(tmp_path: Path, shaped: str) -> Path:
    fix_app.execute(shaped, fix_pause.TABLES)
    return fix_pause.write(tmp_path, shaped, more=PAGE.format(page=tmp_path / "page"))


def test_killed_at_every_few_statements_it_is_paused_and_comes_back(root: Path, tmp_path: Path, shaped: str):
    before = fix_pause.acls(shaped)
    killed = {"pause": 0, "resume": 0}
    for number in itertools.count(1, EVERY):
        codes: list[int] = []
        for act in ("pause", "resume"):
            code = paused.run(act, root, shaped, at=number)
            codes.append(code)
            killed[act] += code == KILLED
            paused.again(act, root, shaped)
            site = fix_pause.site(root, shaped)
            if act == "pause":
                assert fix_pause.prove(site).ok, f"not paused after statement {number}"
                assert (tmp_path / "page").exists()
        assert fix_pause.acls(shaped) == before, f"not as before after statement {number}"
        assert not (tmp_path / "page").exists()
        write_pause.note(fix_pause.site(root, shaped), "closed", {})
        if codes == [0, 0]:
            break
    assert killed["pause"] > 3, killed
    assert killed["resume"] > 3, killed
