"""The page of the promotion's benchmark says whether the act stanza is as quick as it must be."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import promotion

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks-promotion.md"


def test_the_page_says_what_follows_from_its_numbers():
    text = PAGE.read_text("utf-8")
    rows = [
        line.split("|") for line in text.splitlines() if line.startswith(("| `supabase", "| prod-promotion"))
    ]
    pushed, act, rest = (float(row[2]) for row in rows)
    assert text.endswith(f"\n\n{promotion.verdict(pushed, act, rest)}\n")


@pytest.mark.parametrize(
    ("act", "said"), [(1.3, "1.30 times: **this holds**"), (1.31, "1.31 times: **this does not hold**")]
)
def test_more_than_is_allowed_is_said_plainly(act: float, said: str):
    assert said in promotion.verdict(1.0, act, 2.0)
