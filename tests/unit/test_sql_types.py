"""One type, however it is written."""

from __future__ import annotations

import pytest

from ops import declaration, sql_types


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("int8", "bigint"),
        ("BIGINT", "bigint"),
        ("int", "integer"),
        ("float8", "double precision"),
        ("bool", "boolean"),
        ("varchar(10)", "character varying(10)"),
        ("varchar", "character varying"),
        ("character varying ( 10 )", "character varying(10)"),
        ("char(3)", "character(3)"),
        ("char", "character(1)"),
        ('"char"', '"char"'),
        ("numeric(10, 2)", "numeric(10,2)"),
        ("decimal(10)", "numeric(10,0)"),
        ("timestamptz", "timestamp with time zone"),
        ("timestamptz(3)", "timestamp(3) with time zone"),
        ("timestamp", "timestamp without time zone"),
        ("timestamp(0) without time zone", "timestamp(0) without time zone"),
        ("timetz", "time with time zone"),
        ("int4[]", "integer[]"),
        ("text[][]", "text[]"),
        ("varchar(3) []", "character varying(3)[]"),
        ("mood", "public.mood"),
        ("mood[]", "public.mood[]"),
        ('"Mood"', 'public."Mood"'),
        ("vector(3)", "extensions.vector(3)"),
    ],
)
def test_two_spellings_are_one_type(written: str, found: str):
    assert sql_types.same(written, found)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("int4", "bigint"),
        ("varchar(10)", "character varying(11)"),
        ("varchar(10)", "character varying"),
        ("timestamp", "timestamp with time zone"),
        ("text", "text[]"),
        ("other.mood", "public.mood"),
        ('"char"', "character(1)"),
        ("numeric(10,2)", "numeric(10,3)"),
    ],
)
def test_two_types_are_not_one(written: str, found: str):
    assert not sql_types.same(written, found)


@pytest.mark.parametrize(
    ("written", "found", "same"),
    [
        ("default 'x'", "default 'x'::text", True),
        ("DEFAULT now()", "default now()", True),
        ("default 'X'", "default 'x'::text", False),
        ("default '{}'", "default '{}'::jsonb", True),
        ("default 'a'", "default 'a'::character varying(10)", True),
        ("default 0", "default 1", False),
        ("default 0", None, False),
        ("default '::text'", "default '::text'::text", True),
    ],
)
def test_defaults_are_compared_by_what_they_say(written: str, found: str | None, same: bool):
    assert sql_types.same_default(written, found) is same


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("text", declaration.Column("text", False, None)),
        ("text not null", declaration.Column("text", True, None)),
        ("text NOT  NULL default 'not null'", declaration.Column("text", True, "default 'not null'")),
        ("text default 'a b' not null", declaration.Column("text", True, "default 'a b'")),
        (
            "bigint not null generated always as identity",
            declaration.Column("bigint", True, "generated always as identity"),
        ),
        (
            "timestamp(3) with time zone not null default now()",
            declaration.Column("timestamp(3) with time zone", True, "default now()"),
        ),
    ],
)
def test_a_line_is_taken_apart(line: str, column: declaration.Column):
    assert declaration.column(line) == column
