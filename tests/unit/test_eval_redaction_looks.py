"""What a look at a whole page finds: whatever one at each of its lines does."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import eval_redaction, eval_redaction_keys, eval_redaction_looks
from ops.eval_redaction_looks import BETWEEN

WORDS = [*eval_redaction_keys.WITHOUT_RUN, *eval_redaction_keys.WITH_RUN, "@", "%40", "-----BEGIN", "\\u0040"]
PARTS = [
    *WORDS,
    "4111",
    "1111",
    "000",
    " ",
    "-",
    "_",
    ".",
    "a" * 15,
    "b",
    "1" * 12,
    "\n",
    "\u2009",
    "é",
    "\\",
    "sk",
    "s",
]


def found(lines: list[bytes]) -> list[bool]:
    looks = eval_redaction_looks.of_page(BETWEEN.join(lines))
    return [any(look(line) for look in looks) for line in lines]


@given(st.lists(st.lists(st.sampled_from(PARTS), max_size=12).map("".join), min_size=1, max_size=8))
def test_a_page_overlooks_nothing_that_a_line_shows(texts: list[str]):
    lines = [json.dumps({"text": text}, ensure_ascii=False).encode() for text in texts]
    alone = [eval_redaction_looks.suspicious(line) for line in lines]
    assert all(seen for seen, wanted in zip(found(lines), alone, strict=True) if wanted)
    looks = eval_redaction_looks.of_page(BETWEEN.join(lines))
    assert [eval_redaction.redact_line(line, page=looks) for line in lines] == [
        eval_redaction.redact_line(line) for line in lines
    ]


@pytest.mark.parametrize("word", eval_redaction_keys.WITHOUT_RUN + eval_redaction_keys.WITH_RUN)
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_each_word_is_found_wherever_it_stands(word: str, place: str):
    letters = random.Random(word).choices("abcdefghijlmnoqr ._-", k=3000)
    at = {"first": 0, "middle": 1500, "last": 3000}[place]
    text = "".join(letters[:at]) + word + "".join(letters[at:])
    line = text.encode() if place == "last" else text.encode() + b" " + b"z" * 16
    line = line if place != "last" else b"z" * 16 + b" " + line
    assert found([b"nothing", line, b"nothing"]) == [False, True, False]


def test_what_is_nothing_alone_is_nothing_across_two_lines():
    assert found([b"4111111", b"111111111"]) == [False, False]
    assert found([b"4111 1111", b"1111 1111"]) == [False, False]
    assert found([b"sk", b"-"]) == [False, False]
    assert eval_redaction_looks.of_page(BETWEEN.join([b"sk", b"-", b"4111 1111", b"1111 1111"])) == ()


def test_an_empty_page_has_nothing():
    assert eval_redaction_looks.of_page(b"") == ()
