"""What redaction costs in memory and in work for a long output, counted and not timed."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable

import pytest

from ops import eval_redaction_cards
from ops.eval_redaction import redact_line

LENGTH = 400_000
# Decoded, looked at, and written anew: so many times a line may be in memory at once.
TIMES = 6
CONSTANT = 1_500_000
PARTS = {
    "cards": "4111 1111 1111 1111 ",
    "groups of no card": "4111 1111 1111 1112 ",
    "digits": "4111111111",
    "logins": "a://b:c@d ",
}


def line_of(part: str, length: int = LENGTH) -> bytes:
    return b'{"a":"' + part.encode() * (length // len(part)) + b'"}'


def peak(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def bound(line: bytes) -> int:
    """Return how many bytes may be held: the masks may be longer than what they stand for."""
    return TIMES * max(len(line), len(redact_line(line)[0])) + CONSTANT


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS.keys())
def test_memory_is_that_of_the_text(part: str):
    redact_line(line_of(part, 1000))
    line = line_of(part)
    assert peak(lambda: redact_line(line)) < bound(line)


def test_memory_is_that_of_the_text_for_many_short_strings():
    line = b"[" + b'"a", ' * (LENGTH // 5) + b'"4111111111111111"]'
    assert peak(lambda: redact_line(line)) < bound(line)


@pytest.mark.parametrize("part", ["4111 1111 1111 1112 ", "4111.1111.1111.1112."])
def test_four_times_the_text_is_four_times_the_work(monkeypatch: pytest.MonkeyPatch, part: str):
    looked = [0]
    is_card = eval_redaction_cards.is_card

    def counted(digits: str) -> bool:
        looked[0] += len(digits)
        return is_card(digits)

    monkeypatch.setattr(eval_redaction_cards, "is_card", counted)
    found: list[int] = []
    for length in (25_000, 100_000):
        looked[0] = 0
        redact_line(line_of(part, length))
        found.append(looked[0])
    # No digit is looked at more often than there are groups in a card.
    assert found[0] <= 5 * 25_000
    assert found[1] <= 4.1 * found[0]


@pytest.mark.parametrize("part", ["eyJ-", "-----BEGIN PRIVATE KEY-----", "sk-", "ya29.", "SG.", "Bearer "])
def test_beginnings_of_keys_do_not_read_the_rest_each(part: str):
    # Read anew from each of a million beginnings this would take hours: the test would not end.
    line = line_of(part, 1_000_000)
    assert re.match(rb'\{"a":"', redact_line(line)[0])
