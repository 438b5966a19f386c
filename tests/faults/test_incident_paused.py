"""kill -9 while an incident pauses writes, and while it lets them go on: run again, and it is whole."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests import fix_app, fix_pause
from tests.faults import paused

KILLED = -9
EVERY = 9


@pytest.fixture
def root(tmp_path: Path, shaped: str) -> Path:
    fix_app.execute(shaped, fix_pause.TABLES)
    return fix_pause.write(tmp_path, shaped)


def test_killed_at_every_few_statements_it_is_read_only_and_comes_back(root: Path, shaped: str):
    before = fix_pause.acls(shaped)
    killed = {"read-only": 0, "read-write": 0}
    for number in itertools.count(1, EVERY):
        codes: list[int] = []
        for act in killed:
            code = paused.run(act, root, shaped, at=number)
            codes.append(code)
            killed[act] += code == KILLED
            paused.again(act, root, shaped)
            record = fix_pause.site(root, shaped).read()
            if act == "read-only":
                assert record.open[0].details["by"] == "incident-latency"
                assert fix_pause.prove(fix_pause.site(root, shaped)).ok, (
                    f"not paused after statement {number}"
                )
            else:
                assert not record.open, f"not ended after statement {number}"
        assert fix_pause.acls(shaped) == before, f"not as before after statement {number}"
        if codes == [0, 0]:
            break
    assert killed["read-only"] > 3, killed
    assert killed["read-write"] > 3, killed
