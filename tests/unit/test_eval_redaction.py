"""What is taken out of a record before it is written, and what stays as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops import eval_redaction, eval_redaction_cards, secrets
from ops.eval_redaction import redact_line

CARDS = [
    *("4111111111111111", "5555 5555 5555 4444", "3782-822463-10005", "6011111111111117", "30569309025904"),
    *("4111.1111.1111.1111", "5555/5555/5555/4444", "3782_822463_10005", "4111\n1111\n1111\n1111"),
    *("4111 1111\r\n1111 1111", "41111111 11111111", "4111\t1111\t1111\t1111"),
    "4111\u00a01111\u00a01111\u00a01111",
]
ADDRESSES = ["jo@example.com", "first.last+tag@mail.example.co.uk", "jörg@müller.de", "jo%40example.com"]
KEYS = [
    "sk-" + "proj-abcDEF1234567890abcDEF",
    "sk-" + "ant-api03-abcDEF123456_7890-abcDEF",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "11ABCDEFG0" * 3,
    "sb_secret_" + "abcdefghijklmnop_1234",
    "eyJ" + "hbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJl",
    "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ01234567",
    "glpat-" + "ab_CD-ef_GH-ij_KL-mn1",
    "glpat-" + "abcdefGHIJKLMNOPQR12.01.0a1b2c3d4",
    "npm_" + "aB3" * 12,
    "gsk_" + "aB3d" * 13,
    "SG." + "abcdefghijklmnopqrst-_" + "." + "ab1" * 14 + "-",
    "whsec_" + "aB3d+/" * 5 + "a=",
    "xapp-" + "1-A0123456789-0123456789012-" + "0a" * 20,
    "ya29." + "a0_ab-CD" * 6,
    "sk-" + "proj-ab_CD-efgh-IJKL_mnop-12-34_ab",
    "sk-" + "proj-abCDefGHijKLmnOPqrSTuv",
    "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEow/+=\nabc\n-----END RSA PRIVATE KEY-----",
]
# Words that end in no letter of a card, an address or a key.
harmless = st.text(alphabet='abc xyz.,é🎉\n\t"\\/', max_size=30)
tokens = [
    *[("card", each) for each in CARDS],
    *[("email", each) for each in ADDRESSES],
    *[("key", each) for each in KEYS],
]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def redacted(record: Any) -> dict[str, Any]:
    line, _ = redact_line(json.dumps(record).encode())
    return json.loads(line)


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return [shape(each) for each in value.values()]
    if isinstance(value, list):
        return [shape(each) for each in value]
    return type(value)


@pytest.mark.parametrize(("kind", "token"), tokens)
@pytest.mark.parametrize("nesting", [0, 1, 2])
def test_it_is_found_alone_in_text_and_in_json_inside_json(kind: str, token: str, nesting: int):
    for text in (token, f"Hello\n{token}, bye", f'a "{token}"'):
        value: Any = {"deep": [text]}
        for _ in range(nesting):
            value = {"text": json.dumps(value)}
        found = redacted({"id": 7, "output": value})
        assert found["_redacted"] == [kind]
        inside = found["output"]
        for _ in range(nesting):
            inside = json.loads(inside["text"])
        said = inside["deep"][0]
        assert token not in said
        assert f"[redacted {kind}]" in said
        assert said.replace(f"[redacted {kind}]", token) == text


@given(st.sampled_from(tokens), harmless, harmless, anything)
def test_the_line_stays_json_of_the_same_types(token: tuple[str, str], before: str, after: str, other: Any):
    kind, secret = token
    record = {"other": other, "text": f"{before} {secret} {after}"}
    found = redacted(record)
    assert kind in found.pop("_redacted")
    assert shape(found) == shape(record)
    assert secret not in found["text"]


@given(st.text(max_size=200))
def test_any_text_stays_json(text: str):
    for ascii_only in (True, False):
        line = json.dumps({"a": text}, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
        json.loads(redact_line(line)[0].decode("utf-8", "surrogatepass"))


@given(st.binary(max_size=300))
def test_any_bytes_pass_through(line: bytes):
    assert redact_line(line)[0] is not None


@pytest.mark.parametrize(
    "line",
    [
        b'{"id": 123456789012345678901234567890, "cost": 0.100000, "at": "2026-02-15T00:00:00.123456+00:00"}',
        b'{"id": "a4111111-1111-4111-8111-111111111111"}',
        b'{"order": 4111111111111112, "phone": "+49 30 901820", "ms": 1771113600000}',
        b'{"text": "task-force-with-a-very-long-name-2 and user@ and @app.route and 50%40"}',
        b'{"text": "\\ud800 \\u0000", "broken',
        b"\xff\xfe not json at all",
        b"",
    ],
)
def test_what_is_no_secret_stays_byte_for_byte(line: bytes):
    assert redact_line(line) == (line, ())


def test_a_card_that_is_a_number_stays_one():
    assert redacted({"card": 4111111111111111, "other": 4111111111111112})["card"] == 9000000000000000
    expected = b'{"card":9000000000000000,"_redacted":["card"]}'
    assert redact_line(b'{"card":4111111111111111}') == (expected, ("card",))
    assert redact_line(expected) == (expected, ())


@pytest.mark.parametrize("text", ['{"card": 4111111111111111, "a": 1}', "```json\n[1,4111111111111111]\n```"])
def test_a_number_in_json_that_is_a_text_stays_one(text: str):
    said = redacted({"output": text})["output"]
    assert said == text.replace("4111111111111111", "9000000000000000")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no.4111111111111111", "no.[redacted card]"),
        ("card4111111111111111!", "card[redacted card]!"),
        ("Nr.5555 5555 5555 4444.", "Nr.[redacted card]."),
        ("Authorization: Bearer " + "ab12_CD-34.ef~gh+ij/kl==", "Authorization: Bearer [redacted key]"),
        ("DOM\\user@host.example.com", "DOM\\[redacted email]"),
        ("DOM\\user@host", "DOM\\[redacted email]"),
        ("DOM\\first.last@mail.example.com", "DOM\\f[redacted email]"),
    ],
)
def test_what_stands_before_it_stays(text: str, said: str):
    assert redacted({"a": text})["a"] == said


def test_each_of_many_keys_is_taken_out():
    aws = "aws_secret_access_key = " + "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"
    text = f"{aws} {KEYS[3]} {aws} {KEYS[2]} Bearer {KEYS[6]}"
    said = redacted({"a": text})["a"]
    assert said.count("[redacted key]") == 5
    assert "EXAMPLE" not in said


def failing(digits: str) -> str:
    """Return digits of which the last is wrong."""
    if eval_redaction_cards.is_card(digits):
        return digits[:-1] + str((int(digits[-1]) + 1) % 10)
    return digits


WORDS = """
the quick task-force-on-very-long-hyphenated-names Bearer authentication-is-described-here disk- risk-averse
npm_config_registry_of_the_project hf_hub_download SG.md whsec_ sk-SK xapp- ya29 @app.route user@ a@b 50%40
C:\\users\\name path/to/2026/1101/notes v2.10.3 10.0.192.168 192.168.100.200 1,234,567 +49-30-901820
2026_1101_1200 100.000.000 0x4111 §4111
"""
words = st.sampled_from(WORDS.split())
numbers = st.one_of(
    st.uuids().map(str),
    st.datetimes().map(lambda when: when.isoformat()),
    st.dates().map(lambda day: day.strftime("%Y/%m/%d")),
    st.floats(allow_nan=False, allow_infinity=False)
    .map(repr)
    .filter(lambda said: len(said.split(".")[0]) < 13),
    st.floats(0, 1).map(lambda number: f"{number:.16f}"),
    st.tuples(*[st.integers(0, 9999)] * 4)
    .map(lambda each: ".".join(map(str, each)))
    .filter(lambda said: len(said) < 16),
    st.from_regex(r"[1-9][0-9]{6,18}", fullmatch=True).map(failing),
    st.from_regex(r"[24-6][0-9]{15}", fullmatch=True)
    .map(failing)
    .map(lambda digits: "-".join(digits[at : at + 4] for at in range(0, 16, 4))),
)


@settings(max_examples=200)
@given(st.lists(words | numbers, max_size=12))
def test_prose_identifiers_and_numbers_stay_as_they_are(parts: list[str]):
    # A comma and a letter: numbers side by side may be a card together.
    text = ", x ".join(parts)
    line = json.dumps({"a": text}).encode()
    assert redact_line(line) == (line, ())


@pytest.mark.parametrize("number", [0.4111111111111111, 4111111111111111.5, 1234.4111111111111111])
def test_decimals_are_no_card(number: float):
    line = json.dumps({"a": number, "b": f"{number} .4111111111111111"}).encode()
    assert redact_line(line) == (line, ())


@pytest.mark.parametrize("line", [b'{"a":"jo\\u0040example.com"}', b'{"a":"\\u0034111111111111111"}'])
def test_escapes_hide_nothing(line: bytes):
    assert "[redacted " in json.loads(redact_line(line)[0])["a"]


@pytest.mark.parametrize("line", [b'{"a":"jo@example.com', b'["jo@example.com"]', b"jo@example.com \xff"])
def test_what_is_no_object_is_redacted_and_gets_no_field(line: bytes):
    found, what = redact_line(line)
    assert what == ("email",)
    assert b"example" not in found
    assert b"_redacted" not in found


def test_opened_secrets_are_taken_out():
    secrets.remember('sesame "of" the shop')
    found = redacted({"a": 'it is sesame "of" the shop, yes'})
    assert found == {"a": "it is [redacted], yes", "_redacted": ["secret"]}


def test_a_login_in_an_address_is_taken_out():
    assert "hunter22" not in redacted({"a": "postgres://app:hunter22@db.local:5432/app"})["a"]


@pytest.mark.parametrize(
    "part", ["a@", "4 ", "41111", "4111-", "-----BEGIN PRIVATE KEY-----", "sk-", "://", 'x\\"']
)
def test_a_long_text_takes_as_long_as_it_is(part: str):
    line = b'{"a":"@' + part.encode() * (300_000 // len(part)) + b'"}'
    assert redact_line(line)[0].startswith(b'{"a":"')


def test_fields_are_added_to_objects():
    assert eval_redaction.with_fields(b" {} ", {"a": 1}) == b'{"a":1}'
    assert eval_redaction.with_fields(b"[1]", {"a": 1}) == b"[1]"
