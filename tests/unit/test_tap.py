"""The Test Anything Protocol, and what counts as an assertion outside of it."""

from __future__ import annotations

import pytest

from ops import answers, statements, tap
from ops.answers import Findings
from ops.undone import Answer, Column


def heard(text: str) -> tap.Tap:
    found = tap.Tap()
    found.feed(text)
    return found


@pytest.mark.parametrize(
    ("text", "passed", "failed", "error"),
    [
        ("1..2\nok 1 - a\nok 2\n", 2, 0, None),
        ("ok 1\nok 2\n1..2\n", 2, 0, None),
        ("1..2\nok 1\nnot ok 2 - b\n# Failed test 2\n", 1, 1, None),
        ("1..1\nnot ok 1 - b # TODO later\n", 1, 0, None),
        ("1..1\nok 1 # SKIP no server\n", 1, 0, None),
        ("1..1\nnot ok 1 # todo: small letters too\n", 1, 0, None),
        ("1..1\nnot ok 1 - of # no directive\n", 0, 1, None),
        ("1..1\nnot ok 1 - escaped \\# TODO\n", 0, 1, None),
        ("1..2\nok 1\n", 1, 0, "planned 2 tests and ran 1"),
        ("1..1\nok 1\nok 2\n", 2, 0, "planned 1 tests and ran 2"),
        ("ok 1\n", 1, 0, "has no plan"),
        ("1..1\n1..1\nok 1\n", 1, 0, "planned 2 times"),
        ("1..0 # SKIP nothing here\n", 0, 0, "ran no test (skipped: nothing here)"),
        ("1..0\n", 0, 0, "ran no test"),
        ("", 0, 0, "ran no test"),
        ("1..1\nBail out! no database\n", 0, 0, "bailed out: no database"),
        ("1..1\n    ok 1 - inner\n    not ok 2 - inner\n    1..2\nnot ok 1 - outer\n", 0, 1, None),
        ("1..1\nok 1 - two\n# lines\n", 1, 0, None),
        ("1..1\nokay then\nok 1\n", 1, 0, None),
    ],
)
def test_suite_is_judged_as_prove_judges_it(text: str, passed: int, failed: int, error: str | None) -> None:
    found = heard(text).verdict("a.sql")
    assert (found.passed, found.failed) == (passed, failed)
    assert (error in found.error) if error and found.error else found.error == error


def test_failure_carries_its_diagnostics_and_those_of_its_subtests() -> None:
    found = heard(
        '1..2\n    not ok 3 - inner\nnot ok 1 - outer\n# Failed test 1: "outer"\n#    have: 1\nok 2\n# fine\n'
        "# Looks like you failed 1 test of 2\n"
    ).verdict("a.sql")
    assert found.failures == ("not ok 1 - outer\nnot ok 3 - inner\nhave: 1",)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ok", True),
        ("ok - anon reads nothing", True),
        ("PASS: anon reads nothing", True),
        ("passed", True),
        ("✅ RLS is on", True),
        ("true", True),
        ("5 tests, 0 failed: PASS", True),
        ("anon reads nothing: PASSED", True),
        ("not ok", False),
        ("FAIL: anon reads orders", False),
        ("failed", False),
        ("❌ RLS is off", False),
        ("false", False),
        ("FAILURE in orders", False),
        ("3 passed, 1 FAILED", False),
        ("2 jobs failed last night", None),
        ("the passage is open", None),
        ("okay", None),
        ("orders", None),
        ("", None),
        ("failover", None),
        ("truest", None),
    ],
)
def test_line_of_text_says_passed_failed_or_neither(line: str, expected: bool | None) -> None:
    assert answers.says(line) is expected


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("do $$ begin assert 1 = 1; end $$", True),
        ("do $$ begin if 1 = 2 then raise exception 'open'; end if; end $$", True),
        ("do $$ begin raise 'open'; exception when insufficient_privilege then null; end $$", True),
        ("do $$ begin raise exception 'open'; exception when others then null; end $$", False),
        ("do $$ begin perform 1; exception when others then raise exception 'open'; end $$", True),
        ("do $$ begin perform 1; exception when others then raise; end $$", True),
        ("do $$ begin raise notice 'open'; end $$", False),
        ("do $$ begin -- raise exception 'open';\nperform 1; end $$", False),
        ("do $$ begin /* assert false */ perform 1; end $$", False),
        ("select 1", False),
    ],
)
def test_block_asserts_if_it_would_have_failed(block: str, expected: bool) -> None:
    (statement,) = statements.parse(block).statements
    assert answers.asserts(statement) is expected


def answered(text: str, columns: dict[str, int], *rows: tuple[str | None, ...]) -> Findings:
    (statement,) = statements.parse(text).statements
    found = Findings("a.sql")
    found.hear(Answer(statement, tuple(Column(name, type_) for name, type_ in columns.items()), rows))
    return found


def test_row_names_its_table_and_its_description() -> None:
    columns = {"table_schema": 19, "table_name": 19, "what": 25, "ok": 16}
    found = answered("select 1", columns, ("public", "orders", "anon reads none", "f")).contract()
    assert found.failures == ("a.sql:1: public.orders: anon reads none: ok is false",)


def test_null_is_no_truth() -> None:
    found = answered("select 1", {"ok": 16}, (None,)).contract()
    assert found.failures == ("a.sql:1: ok is NULL, neither true nor false",)


def test_every_boolean_of_a_row_counts() -> None:
    found = answered("select 1", {"on": 16, "forced": 16}, ("t", "f"), ("t", "t")).contract()
    assert (found.passed, found.failed) == (3, 1)
