"""How the keys of services look in a text, also in JSON or a URL inside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ops.eval_redaction_parts import Span, without

MASK = "[redacted key]"

# One of these is in every text that has a key: a quick look. Behind the first are sixteen letters or digits in a row;
# behind the others may be hyphens and the like.
WITH_RUN = (
    "eyJ", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "sbp_", "AIza", "xox", "_live_",
    "_test_", "ccess", "hf_", "npm_", "gsk_",
)  # fmt: skip
WITHOUT_RUN = ("sk-", "sb_secret_", "glpat-", "SG.", "whsec_", "xapp-", "ya29.", "earer")
_KEY = re.compile(
    r"""(?x)
    (?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=\\u[0-9A-Fa-f]{4}))(?:
      sk-[A-Za-z0-9_-]{20,}
    | [srp]k_(?:live|test)_[A-Za-z0-9]{16,}
    | A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])
    | gh[pousr]_[A-Za-z0-9]{30,}
    | github_pat_[A-Za-z0-9_]{22,}
    | sb_secret_[A-Za-z0-9_-]{16,}
    | sbp_[A-Za-z0-9_]{30,}
    | AIza[A-Za-z0-9_-]{35}
    | xox[abeoprs]-[A-Za-z0-9-]{16,}
    | (?:hf|npm|gsk)_[A-Za-z0-9]{20,}
    | glpat-[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9_-]{1,40}){0,3}
    | whsec_[A-Za-z0-9+/_-]{16,}={0,2}
    | xapp-[A-Za-z0-9-]{16,}
    | ya29\.[A-Za-z0-9_-]{20,}
    | SG\.[A-Za-z0-9_-]{16,}+\.[A-Za-z0-9_-]{16,}
    )
    """
)
_DIGIT = re.compile(r"[0-9]")
# Words with hyphens between them may begin like a key, and names; those that say of whom they are need no digit.
_LIKE_WORDS = ("sk-", "xapp-", "hf_", "npm_", "gsk_", "whsec_", "ya29.", "SG.", "glpat-")
_NAMED = re.compile(r"sk-(?:proj|ant|svcacct|admin|or)-")
_BEARER = re.compile(r"(?i)(?<![a-z0-9])bearer(?:[ \t]|%20){1,4}([\w.~+/-]{16,}={0,2})")
_AWS_SECRET = re.compile(r"(?i)(?<=access)(?:_|-)?key[\"'\\\s:=]{1,16}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])")
_TOKEN = re.compile(r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=\\u[0-9A-Fa-f]{4}))eyJ")
_TOKEN_RUN = re.compile(r"[A-Za-z0-9_-]*+")
_TOKEN_REST = re.compile(r"\.[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]*+")
_SHORTEST_HEAD = 11
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,60}-----")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/=\s]|\\)*+")
_LONGEST_PEM = 20_000


def cleaned(text: str, found: set[str]) -> str:
    """Return a text with a mask for each key, and add to `found` if there was one."""
    for words, finder in _FINDERS:
        if any(word in text for word in words):
            text = without(text, ((*span, MASK) for span in finder(text)), found, "key")
    return text


def _beginning(text: str) -> Iterator[Span]:
    for match in _KEY.finditer(text):
        if not match[0].startswith(_LIKE_WORDS) or _NAMED.match(match[0]) or _DIGIT.search(match[0]):
            yield match.span()


def _borne(text: str) -> Iterator[Span]:
    return (match.span(1) for match in _BEARER.finditer(text) if _DIGIT.search(match[1]))


def _of_aws(text: str) -> Iterator[Span]:
    return (match.span(1) for match in _AWS_SECRET.finditer(text))


def _web_tokens(text: str) -> Iterator[Span]:
    """Yield the three parts of each JSON web token; letters in which many begin are read once."""
    dot = done = 0
    for match in _TOKEN.finditer(text):
        start = match.start()
        if start < done:
            continue
        if start >= dot:
            run = _TOKEN_RUN.match(text, start)
            dot = run.end() if run else start
        rest = _TOKEN_REST.match(text, dot) if dot - start >= _SHORTEST_HEAD else None
        done = rest.end() if rest else done
        if rest:
            yield start, done
        elif dot - start >= _SHORTEST_HEAD:
            # What follows is the same for all that begin in these letters.
            done = dot


def _private(text: str) -> Iterator[Span]:
    """Yield where private keys are in PEM, also those that are cut off; an end is looked for once."""
    at, closing = 0, -1
    while match := _PEM.search(text, at):
        if closing < match.end() and closing != len(text):
            closing = text.find("-----END ", match.end())
            closing = len(text) if closing < 0 else closing
        end = _PEM_END.match(text, closing) if closing - match.end() < _LONGEST_PEM else None
        inside = _BASE64.match(text, match.end(), match.end() + _LONGEST_PEM)
        at = end.end() if end else inside.end() if inside else match.end()
        yield match.start(), at


_FINDERS: tuple[tuple[tuple[str, ...], Callable[[str], Iterator[Span]]], ...] = (
    (tuple(word for word in WITH_RUN + WITHOUT_RUN if word not in ("eyJ", "ccess", "earer")), _beginning),
    (("ccess",), _of_aws),
    (("earer",), _borne),
    (("eyJ",), _web_tokens),
    (("-----BEGIN",), _private),
)
