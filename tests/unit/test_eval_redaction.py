"""What is taken out of a record before it is written, and what stays as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import eval_redaction, secrets
from ops.eval_redaction import redact_line

CARDS = ["4111111111111111", "5555 5555 5555 4444", "3782-822463-10005", "6011111111111117", "30569309025904"]
ADDRESSES = ["jo@example.com", "first.last+tag@mail.example.co.uk", "jörg@müller.de", "jo%40example.com"]
KEYS = [
    "sk-" + "proj-abcDEF1234567890abcDEF",
    "sk-" + "ant-api03-abcDEF123456_7890-abcDEF",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "11ABCDEFG0" * 3,
    "sb_secret_" + "abcdefghijklmnop_1234",
    "eyJ" + "hbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJl",
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
    assert redacted({"card": 4111111111111111, "other": 4111111111111112})["card"] == 0
    assert redact_line(b'{"card":4111111111111111}') == (b'{"card":0,"_redacted":["card"]}', ("card",))


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
