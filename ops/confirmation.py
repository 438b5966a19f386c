"""The words that somebody types before production is changed.

Source: database-pipeline.md, "How to Promote to Production", 2.
"""

from __future__ import annotations

import unicodedata

from ops.evidence import Evidence

WORDS = "CONFIRM PRODUCTION DEPLOYMENT"


def check(given: str) -> Evidence:
    """Say whether these are the words exactly: nothing is trimmed, folded or taken for something alike."""
    if given == WORDS:
        return Evidence(ok=True, summary=f"The promotion was confirmed with {WORDS!r}.")
    return Evidence(
        ok=False,
        summary=f"The confirmation is not {WORDS!r}: {_difference(given)}. So nothing was started. Type these words.",
    )


def _difference(given: str) -> str:
    if not given:
        return "it is empty"
    if given.strip() == WORDS:
        return "it has blanks before or after it"
    if given.upper() == WORDS:
        return "its letters are not all capitals"
    at = next(
        (n for n, (a, b) in enumerate(zip(given, WORDS, strict=False)) if a != b), min(len(given), len(WORDS))
    )
    if at == len(given):
        return f"it ends after {at} characters"
    if at == len(WORDS):
        return f"it goes on after {at} characters"
    return f"character {at + 1} is {_name(given[at])} and not {_name(WORDS[at])}"


def _name(character: str) -> str:
    return unicodedata.name(character, f"U+{ord(character):04X}")
