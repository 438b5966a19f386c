"""What the demo says a drill measured, whatever of it is known."""

from __future__ import annotations

import pytest

from cli import demo_restore


@pytest.mark.parametrize(
    ("rto", "took", "rpo", "said"),
    [
        (3.14159, 3.14159, 0.5, "RTO        3.14 s   RPO 0.50 s"),
        (None, 3.14159, 0.5, "Took       3.14 s (no RTO: fsync was off)   RPO 0.50 s"),
        (None, None, None, "Took    not known   RPO not known"),
    ],
)
def test_what_is_not_known_is_said(rto: float | None, took: float | None, rpo: float | None, said: str):
    assert demo_restore.measured({"rto": rto, "took": took, "rpo": rpo}) == said
