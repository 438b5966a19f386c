"""Secrets: opened in one place, and masked in whatever leaves the process, however they are written there."""

from __future__ import annotations

import base64
import csv
import html
import io
import json
import logging
import shlex
import string
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from psycopg import conninfo

from ops import errors, redaction, secrets

EVERY_SPECIAL = "aZ9 !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ é€𝄞"

WAYS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "URL": lambda text: quote(text, safe=""),
    "URL in small letters": lambda text: (
        quote(text, safe="").lower() if text.isascii() and text == text.lower() else text
    ),
    "URL that keeps slashes": quote,
    "form": quote_plus,
    "query": lambda text: urlencode({"password": text}),
    "URL twice": lambda text: quote(quote(text, safe=""), safe=""),
    "JSON": json.dumps,
    "JSON in Unicode": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON twice": lambda text: json.dumps(json.dumps(text)),
    "Python": repr,
    "Python in ASCII": ascii,
    "Python's bytes": lambda text: repr(text.encode()),
    "SQL": lambda text: "'" + text.replace("'", "''") + "'",
    "SQL with escapes": lambda text: "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'",
    "conninfo": lambda text: conninfo.make_conninfo("", password=text),
    "conninfo in Python": lambda text: repr(conninfo.make_conninfo("", password=text)),
    "HTML": html.escape,
    "HTML in numbers": lambda text: "".join(
        f"&#{ord(char)};" if not char.isalnum() else char for char in text
    ),
    "shell": shlex.quote,
    "CSV": lambda text: _csv(text),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "basic authentication": lambda text: base64.b64encode(f"postgres:{text}".encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "hex in capitals": lambda text: text.encode().hex().upper(),
    "in a DSN": lambda text: f"postgresql://postgres:{quote(text, safe='')}@db.example.com:5432/postgres",
    "in a DSN by hand": lambda text: f"postgresql://postgres:{text}@db.example.com:5432/postgres",
}
# Where fewer are asked for, as `make check` does, these tests take fewer too.
EXAMPLES = min(60, settings().max_examples)
passwords = st.text(
    alphabet=st.one_of(st.sampled_from(EVERY_SPECIAL), st.sampled_from(string.ascii_letters + string.digits)),
    min_size=6,
    max_size=40,
)


def _csv(text: str) -> str:
    written = io.StringIO()
    csv.writer(written).writerow([text])
    return written.getvalue().rstrip("\r\n")


@pytest.mark.parametrize("way", WAYS)
@given(password=passwords)
@example(password=EVERY_SPECIAL)
@example(password=EVERY_SPECIAL[::-1].strip())
@example(password="pa''ss\\\\word")
@example(password="%41%2525secret")
@example(password="\\x41\\u0041\\101&amp;&#65;")
@settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_password_is_masked_in_every_spelling(way: str, password: str) -> None:
    assume(password.strip() == password and any(char.isalnum() for char in password))
    assume(password not in f"before {secrets.MASK} after")
    # Words that every local Supabase has for a password, and that no message could do without.
    assume(password not in secrets._PUBLIC)  # pyright: ignore[reportPrivateUsage]
    secrets._known.clear()  # pyright: ignore[reportPrivateUsage]
    secrets.remember(f"postgresql://postgres:{quote(password, safe='')}@db.example.com:5432/postgres")
    written = WAYS[way](password)
    masked = secrets.redact(f"before {written} after")
    assert secrets.MASK in masked
    assert password not in masked
    bare = written.strip("\"'")
    assert bare not in masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")


@given(password=passwords, where=st.sampled_from(list(WAYS)))
@settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_secret_that_is_no_dsn_is_masked_too(password: str, where: str) -> None:
    assume(password.strip() == password and any(char.isalnum() for char in password))
    assume(password not in f"before {secrets.MASK} after")
    secrets._known.clear()  # pyright: ignore[reportPrivateUsage]
    secrets.remember(password)
    masked = secrets.redact(f"before {WAYS[where](password)} after")
    assert password not in masked
    assert secrets.MASK in masked


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://postgres:s3cr3t/with?odd#signs@db.example.com/postgres",
        "host=db.example.com user=postgres password='s3cr3t/with?odd#signs'",
        "host=db.example.com user=postgres password=s3cr3t/with?odd#signs",
        "postgresql://db.example.com/postgres?user=postgres&password=s3cr3t%2Fwith%3Fodd%23signs",
        "postgresql:///postgres?host=/tmp&password=s3cr3t%2Fwith%3Fodd%23signs",
    ],
)
def test_password_of_a_dsn_is_masked_alone(dsn: str) -> None:
    secrets.remember(dsn)
    assert secrets.redact('FATAL: wrong "s3cr3t/with?odd#signs"') == f'FATAL: wrong "{secrets.MASK}"'
    assert "s3cr3t" not in secrets.redact(dsn)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://someone:unknown1@host/db",
        "password=unknown1 host=h",
        "PGPASSWORD=unknown1 psql",
        "pa\u017f\u017fword=unknown1 psql",
        "https://example.com/?Password=unknown1",
        "https://example.com/?to\u212aen=unknown1",
        "sb_secret_0123456789abcdefunknown1",
        "{'password': 'unknown1'}",
        '{"password": "unknown1"}',
        "alter role app password 'unknown1'",
        "https://example.com/?apikey=unknown1",
        "Bearer eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.unknown1",
        "sbp_0123456789abcdefunknown1",
    ],
)
def test_what_stands_where_a_secret_stands_is_masked_though_nobody_opened_it(text: str) -> None:
    masked = secrets.redact(text)
    assert secrets.MASK in masked
    assert "unknown1" not in masked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing to hide",
        "postgres",
        "the password is in the vault",
        "postgresql://postgres@host/db",
        secrets.MASK,
        "select passwords from t",
        "column password text not null",
    ],
)
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    secrets.remember("postgresql://postgres:postgres@127.0.0.1:54322/postgres")
    assert secrets.redact(text) == text


def test_redacting_twice_is_redacting_once() -> None:
    secrets.remember("postgresql://postgres:hunter2hunter2@host/db")
    once = secrets.redact("at postgresql://postgres:hunter2hunter2@host/db with hunter2hunter2")
    assert secrets.redact(once) == once


def test_nested_values_are_masked_with_their_keys() -> None:
    secrets.remember("hunter2hunter2")
    nested = {"a hunter2hunter2": ["hunter2hunter2", ("x", {"y": "hunter2hunter2"}), 1, None, True]}
    masked = secrets.redact_nested(nested)
    assert masked == {f"a {secrets.MASK}": [secrets.MASK, ["x", {"y": secrets.MASK}], 1, None, True]}


def test_long_text_is_redacted_in_reasonable_time() -> None:
    secrets.remember("hunter2hunter2")
    for text in ("\\" * 1_000_000, "%" * 1_000_000, "a:" * 500_000, "password=" * 100_000, "'" * 1_000_000):
        assert secrets.redact(text)


def test_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_DSN", " value-of-it \n")
    assert secrets.open_secret("env:A_DSN") == "value-of-it"
    assert secrets.redact("value-of-it") == secrets.MASK


def test_file(tmp_path: Path) -> None:
    (tmp_path / "dsn").write_text("\ufeffvalue-of-it\n", encoding="utf-8")
    assert secrets.open_secret(f"file:{tmp_path / 'dsn'}") == "value-of-it"


def test_command() -> None:
    assert secrets.open_secret("command:echo 'value of it'") == "value of it"


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("postgresql://u:p@h/d", "never written out"),
        ("env:", "never written out"),
        ("vault:x", "never written out"),
        ("env:NOT_SET_ANYWHERE", "NOT_SET_ANYWHERE is not set"),
        ("file:/no/such/file", "cannot be read: No such file"),
        ("command:false", "exit code 1"),
        ("command:/no/such/command", "did not run"),
        ("command:true", "is empty"),
    ],
)
def test_what_cannot_be_opened_is_refused_without_being_shown(reference: str, says: str) -> None:
    with pytest.raises(errors.Refused) as refused:
        secrets.open_secret(reference)
    assert says in str(refused.value)
    assert "u:p@h" not in str(refused.value)


def test_failed_command_shows_nothing_that_it_said() -> None:
    with pytest.raises(errors.Refused) as refused:
        secrets.open_secret("command:sh -c 'echo hunter2hunter2; echo hunter2hunter2 >&2; exit 3'")
    assert "hunter2hunter2" not in str(refused.value).replace("command:sh", "")


def test_log_records_and_tracebacks_are_masked(capsys: pytest.CaptureFixture[str]) -> None:
    secrets.remember("hunter2hunter2")
    before = (logging.getLogRecordFactory(), sys.excepthook, threading.excepthook)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger("tests.secrets")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        redaction.install()
        logger.warning("with %s", "hunter2hunter2")
        logger.warning("hunter2hunter2 %d", 1)
        logger.warning("%(a)s", {"a": "hunter2hunter2"})
        logger.warning("broken %d", "hunter2hunter2")
        try:
            raise ValueError("hunter2hunter2")
        except ValueError as error:
            logger.exception("failed")
            sys.excepthook(ValueError, error, error.__traceback__)
    finally:
        logger.removeHandler(handler)
        logging.setLogRecordFactory(before[0])
        sys.excepthook, threading.excepthook = before[1:]
    written = stream.getvalue() + capsys.readouterr().err
    assert "hunter2" not in written
    assert written.count(secrets.MASK) >= 6


def test_what_is_remembered_for_a_while_is_masked_for_that_while_and_after_an_error_for_good():
    text = "the token is one-of-many-4711 here"
    with secrets.remembered("one-of-many-4711"):
        assert secrets.MASK in secrets.redact(text)
        with secrets.remembered("one-of-many-4711"):
            pass
        assert "4711" not in secrets.redact(f"{text}, still")
    assert "4711" in secrets.redact(f"{text}, later")

    secrets.remember("one-of-few-4712")
    with secrets.remembered("one-of-few-4712"):
        pass
    assert "4712" not in secrets.redact("the key is one-of-few-4712"), "others have need of it"

    with pytest.raises(ValueError, match="4713"), secrets.remembered("one-of-many-4713"):
        raise ValueError("one-of-many-4713 was not taken")
    assert "4713" not in secrets.redact("it says one-of-many-4713")
