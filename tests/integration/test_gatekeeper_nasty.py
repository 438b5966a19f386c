"""An answer of nasty text is judged like any other: it never stops a run for ever, and the log stays whole."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ops import audit_proof
from ops.approval import Given
from ops.gate_record import Kept
from tasks import suspension
from tests.fix_people import Site


@pytest.fixture
def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shaped: str) -> Site:
    return Site(tmp_path, monkeypatch, shaped)


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ({"note": "typed \\u0000 by hand\0"}, True),
        ({"approver": "\u202eada\0"}, True),
        ({"note": "\x1b[2J\u202e\x07"}, True),
        ({"note": "half \ud800"}, False),
        ({"note": "x" * 10_000_000}, False),
        ({"decision": "approve\ud800"}, False),
        ({"\ud800" * 9999: "\\u0000"}, False),
        ({"\\u0000\0": 1}, False),
        ({"code": "\ud800"}, False),
        ({"code": "\u0661" * 6}, False),
        ({"note": ["[" * 99, {"a": None}]}, False),
    ],
    ids=lambda said: ascii(said)[:40],
)
def test_a_nasty_answer_is_judged_and_the_gate_goes_on(production: Site, said: dict[str, Any], counts: bool):
    production.change(four_eyes=False, approvals=2)
    with production.open() as gate:
        gate.ask("1-1")
        given = production.given("1-1", "ada", "approve")
        answers = [Given("1-1", datetime.now(UTC), {**given.said, **said})]
        assert gate.consider(answers).by == (("ada",) if counts else ())
        gate.ask("1-2")
        answers.append(production.given("1-2", "grace", "approve"))
    with production.open() as gate:
        assert "grace" in gate.consider(answers).by
        assert isinstance(gate.record, Kept)
        assert len([row for row in gate.record.rows() if "answer" in row.details]) == 2
        assert audit_proof.verify(gate.record.log).ok


@pytest.mark.parametrize("value", ["[" * 99_999, "1" * 9999, "{", "NaN", '"x', "[1]", '"\\ud800"'])
def test_what_is_no_form_is_an_answer_with_other_fields(value: str):
    assert list(suspension._fields(value)) == ["answer"]
