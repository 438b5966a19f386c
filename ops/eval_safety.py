"""Whether what a model wrote is safe, by the project's rule set.

The patterns run in an engine whose time grows with the text alone, so that none can hang on an unlucky output; it has
no look-around and no references back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import jsonschema_rs

from ops import eval_redaction_cards

_SPECIAL = frozenset(r"\.^$|?*+()[]{}/-")
_LARGEST = 5_000_000

# Masks of another form: `secrets.MASK`, whose module a worker need not load, and that of a card that was a number.
_FURTHER = {"secret": ("[redacted]",), "card": (eval_redaction_cards.NUMBER,)}


class Safety:
    """A rule set that is ready: limits of length, kinds of personal data, banned phrases and patterns by name."""

    def __init__(self, rules: Mapping[str, Any]) -> None:
        self._shortest: int = rules["shortest"]
        self._longest: int | None = rules["longest"]
        self._pii: tuple[str, ...] = tuple(rules["pii"])
        patterns: dict[str, str] = dict(rules["patterns"])
        phrases: list[str] = list(rules["phrases"])
        self._named = {f"pattern {name}": pattern for name, pattern in patterns.items()}
        self._named |= {f"phrase {phrase!r}": phrase_pattern([phrase]) for phrase in phrases}
        whole = [*patterns.values(), *([phrase_pattern(phrases)] if phrases else [])]
        self._none = compiled(whole) if whole else None

    def unsafe(self, text: str, redacted: Any, *, names: str = "") -> bool:
        """Whether a text breaks a rule; `redacted` says what was taken out of it or of the names of its fields."""
        if len(text) < self._shortest or (self._longest is not None and len(text) > self._longest):
            return True
        if redacted and self._taken(text, redacted, names):
            return True
        return self._none is not None and not self._none.is_valid(text)

    def why(self, text: str, redacted: Any, *, names: str = "") -> list[str]:
        """Return every rule that a text breaks."""
        found: list[str] = []
        if len(text) < self._shortest:
            found.append(f"shorter than {self._shortest} characters")
        if self._longest is not None and len(text) > self._longest:
            found.append(f"longer than {self._longest} characters")
        found += [f"contained {kind}" for kind in self._taken(text, redacted, names)]
        return found + [
            name for name, pattern in self._named.items() if not compiled([pattern]).is_valid(text)
        ]

    def _taken(self, text: str, redacted: Any, names: str) -> list[str]:
        """Return what kinds of personal data were taken out of this text; the record may have had others elsewhere."""
        marks = cast("list[Any]", redacted) if isinstance(redacted, list) else []
        return [
            kind
            for kind in marks
            if kind in self._pii
            and any(mask in text or mask in names for mask in (f"[redacted {kind}]", *_FURTHER.get(kind, ())))
        ]


def compiled(patterns: list[str]) -> jsonschema_rs.Validator:
    """Return what a text is valid by when none of the patterns is found in it.

    Raises:
        ValueError: one is not a regular expression, or is too large.
    """
    schema = {"not": {"anyOf": [{"pattern": pattern} for pattern in patterns]}}
    options = jsonschema_rs.RegexOptions(size_limit=_LARGEST, dfa_size_limit=_LARGEST)
    return jsonschema_rs.Draft202012Validator(schema, pattern_options=options)


def phrase_pattern(phrases: Iterable[str]) -> str:
    """Return a pattern that finds phrases as whole words, in any case, with any white space between their words."""
    return f"(?i)(?:{'|'.join(map(_words, phrases))})"


def _words(phrase: str) -> str:
    words = [
        "".join(f"\\{letter}" if letter in _SPECIAL else letter for letter in word) for word in phrase.split()
    ]
    before = r"\b" if phrase.strip()[:1].isalnum() else ""
    after = r"\b" if phrase.strip()[-1:].isalnum() else ""
    return before + r"\s+".join(words) + after
