"""The four rules of compatibility, for any two versions, and what is no version."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ops import errors, schema_guard, schema_guard_skip, schema_version, semantic_version
from ops.config_settings import SchemaGuard
from ops.schema_guard import Rule
from ops.schema_guard_skip import Pair
from ops.schema_version import Stored
from ops.semantic_version import Version

GUARD = SchemaGuard(table="bot_config")
# Small numbers meet each other often, and large ones are not compared as texts.
NUMBERS = st.one_of(st.integers(0, 2), st.integers(0, 10**17))
VERSIONS = st.builds(Version, NUMBERS, NUMBERS, NUMBERS)


def version(text: str) -> Version:
    return semantic_version.parse(text, of="the test")


@pytest.mark.parametrize(
    ("database", "app", "rule", "said"),
    [
        ("1.0.0", "1.0.0", Rule.EXACT, "Compatible"),
        ("1.1.0", "1.0.0", Rule.DATABASE_NEWER, "Compatible"),
        ("1.0.1", "1.0.0", Rule.DATABASE_NEWER, "Compatible"),
        ("1.0.0", "1.1.0", Rule.APP_NEWER, "Incompatible: .*run migrations"),
        ("1.0.0", "1.0.1", Rule.APP_NEWER, "Incompatible: .*run migrations"),
        ("1.9.0", "1.10.0", Rule.APP_NEWER, "Incompatible: .*run migrations"),
        ("2.0.0", "1.0.0", Rule.CONFLICT, "Incompatible: .*version conflict"),
        ("1.0.0", "2.0.0", Rule.CONFLICT, "Incompatible: .*version conflict"),
    ],
)
def test_the_rules_of_the_runbook(database: str, app: str, rule: Rule, said: str) -> None:
    found = schema_guard.compare(version(app), Stored(version(database), "there"))
    assert (found.rule, found.ok) == (rule, said == "Compatible")
    assert re.match(said, found.summary)
    assert f"app {app}, database {database}" in found.summary


@given(VERSIONS, VERSIONS)
def test_every_two_versions_fall_under_the_rule_of_their_numbers(app: Version, stored: Version) -> None:
    wanted = (app.major, app.minor, app.patch)
    there = (stored.major, stored.minor, stored.patch)
    fits = wanted[0] == there[0] and wanted <= there
    assert schema_guard.is_compatible(schema_guard.judge(app, stored)) == fits
    back = schema_guard.judge(stored, app)
    assert {schema_guard.judge(app, stored), back} in (
        {Rule.EXACT},
        {Rule.CONFLICT},
        {Rule.APP_NEWER, Rule.DATABASE_NEWER},
    )
    assert (schema_guard.judge(app, stored) is Rule.EXACT) == (wanted == there)
    assert (schema_guard.judge(app, stored) is Rule.CONFLICT) == (wanted[0] != there[0])


@given(VERSIONS, VERSIONS, VERSIONS)
def test_what_fits_goes_on_to_fit(one: Version, two: Version, three: Version) -> None:
    """An app that fits a database fits whatever that database may become for an app that fits it."""

    def fits(app: Version, stored: Version) -> bool:
        return schema_guard.is_compatible(schema_guard.judge(app, stored))

    assert not (fits(one, two) and fits(two, three)) or fits(one, three)
    assert fits(one, one)
    assert not (fits(one, two) and fits(two, one)) or one == two


@given(VERSIONS)
def test_what_is_written_is_read_again(found: Version) -> None:
    assert version(str(found)) == found


@given(st.one_of(st.text(), st.from_regex(r"[v ]?\d{1,3}(\.\d{1,3}){0,3}(-rc\d)?\s?", fullmatch=True)))
@example("1.0.0")
def test_a_text_is_a_version_or_is_refused_with_itself(text: str) -> None:
    parts = text.split(".")
    right = len(parts) == 3 and all(
        part.isascii() and part.isdigit() and part == str(int(part)) and len(part) <= 18 for part in parts
    )
    if right:
        assert str(version(text)) == text
        return
    with pytest.raises(errors.Refused, match="which is no version"):
        version(text)


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.0", "1.0.0.0", "v1.0.0", "01.0.0", "1.00.0", " 1.0.0", "1.0.0 ", "1.0.0\n", "1.0.0-rc1",
     "1.0.0+5", "1.-1.0", "1..0", "\u0661.0.0", "1.0.x", "9" * 19 + ".0.0"],
)  # fmt: skip
def test_what_is_no_version_is_named_with_where_it_stands(text: str) -> None:
    with pytest.raises(errors.Refused) as raised:
        schema_version.of_app(GUARD, environ={"APP_SCHEMA_VERSION": text})
    assert str(raised.value).startswith(f"APP_SCHEMA_VERSION is {text!r}, which is no version")


def test_the_version_that_is_given_goes_before_that_of_the_variable() -> None:
    environ = {"APP_SCHEMA_VERSION": "1.0.0", "SHOP_SCHEMA": "2.0.0"}
    assert str(schema_version.of_app(GUARD, environ=environ)) == "1.0.0"
    assert str(schema_version.of_app(GUARD, "3.0.0", environ=environ)) == "3.0.0"
    other = SchemaGuard(table="bot_config", variable="SHOP_SCHEMA")
    assert str(schema_version.of_app(other, environ=environ)) == "2.0.0"
    with pytest.raises(errors.Refused, match="APP_SCHEMA_VERSION is not set"):
        schema_version.of_app(GUARD, environ={})
    with pytest.raises(errors.Refused, match="version that was given is '3'"):
        schema_version.of_app(GUARD, "3", environ=environ)


@pytest.mark.parametrize(
    ("value", "asked"),
    [(None, False), ("", False), ("0", False), ("false", False), ("1", True), ("true", True)],
)
def test_what_skips_the_guard(value: str | None, asked: bool) -> None:
    assert schema_guard_skip.is_asked(GUARD, {} if value is None else {"SKIP_SCHEMA_GUARD": value}) is asked


@pytest.mark.parametrize("value", ["yes", "TRUE", "True", " true", "on", "2"])
def test_what_says_neither_yes_nor_no_is_refused(value: str) -> None:
    with pytest.raises(errors.Refused, match=re.escape(f"SKIP_SCHEMA_GUARD is {value!r}")):
        schema_guard_skip.is_asked(GUARD, {"SKIP_SCHEMA_GUARD": value})


def test_a_glass_is_for_two_versions_and_no_others() -> None:
    pairs = [
        Pair("1.0.0", "1.0.0"),
        Pair("1.0.0", ""),
        Pair("", "1.0.0"),
        Pair("1.0.01", ".0.0"),
        Pair("", ""),
    ]
    assert len({pair.digest for pair in pairs}) == len(pairs)
