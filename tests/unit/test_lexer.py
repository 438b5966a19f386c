"""SQL read without a grammar: statements end where psql ends them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import lexer


def statements(text: str) -> list[str]:
    return [text[start:end] for start, end in lexer.read(text).statements]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("-- nothing\n/* at /* all */ */;;", []),
        ("select 1; select 2", ["select 1", "select 2"]),
        ("select ';'; x", ["select ';'", "x"]),
        ("select 'it''s;'; x", ["select 'it''s;'", "x"]),
        (r"select e'\';'; x", [r"select e'\';'", "x"]),
        (r"select '\'; x", [r"select '\'", "x"]),
        ('select "a;""b"; x', ['select "a;""b"', "x"]),
        ("select $$;$$; x", ["select $$;$$", "x"]),
        ("select $a$ $$;$b$ $a$; x", ["select $a$ $$;$b$ $a$", "x"]),
        ("select a$b$;c$b$; x", ["select a$b$", "c$b$", "x"]),
        ("select $1; x", ["select $1", "x"]),
        ("select /* ; */ 1 -- ;\n; x", ["select /* ; */ 1", "x"]),
        ("create rule r as on insert to t do (select 1; select 2); x", None),
        ("create function f() returns int begin atomic select 1; select 2; end; x", None),
        ("create function f() returns int begin atomic select case when a then 1 end; end; x", None),
        ("select 'open; x", ["select 'open; x"]),
        ("select 1; /* open; x", ["select 1", "/* open; x"]),
        ("select 1 /* open; x", ["select 1 /* open; x"]),
        ("do $$ open; x", ["do $$ open; x"]),
    ],
)
def test_statements_end_at_semicolons_that_are_not_inside_something(
    text: str, expected: list[str] | None
) -> None:
    assert statements(text) == (expected or ([] if expected == [] else [text.removesuffix("; x"), "x"]))


@pytest.mark.parametrize(
    ("text", "psql"),
    [
        ("\\connect other\nselect 1;", ["\\connect other"]),
        ("select 1 \\gexec\nselect 2", ["\\gexec"]),
        ("select 1\\; select 2;", ["\\;"]),
        ("\\echo a \\\\ select 1;", ["\\echo a \\\\ select 1;"]),
        ("select :'a', :\"b\", :{?c}, :d", [":'a'", ':"b"', ":{?c}", ":d"]),
        ("select a::text, b[1:2], '{:x}', c:=1", []),
        ("select array[:a]", []),
        ("select '\\x', $$\\y$$, \"\\z\" -- \\w", []),
        ("select 1;\n\\.\n", ["\\."]),
    ],
)
def test_what_only_psql_understands_is_told_apart(text: str, psql: list[str]) -> None:
    found = lexer.read(text).psql
    assert [text[token.start : token.end] for token in found] == psql


def test_rows_after_copy_are_no_sql() -> None:
    text = "copy t (a) from stdin;\n1;'x\n\\N\n\\.\nselect 2;\ncopy u from stdin with (format csv);\n'\n\\.\n"
    reading = lexer.read(text)
    assert statements(text) == ["copy t (a) from stdin", "select 2", "copy u from stdin with (format csv)"]
    assert [text[token.start : token.end] for token in reading.data] == ["1;'x\n\\N\n\\.", "'\n\\."]


def test_rows_that_nothing_ends_go_on_to_the_end() -> None:
    text = "copy t from stdin;\n1\nselect 2;\n"
    assert statements(text) == ["copy t from stdin"]


def test_words_stand_outside_quotes_and_comments() -> None:
    assert lexer.words("SELECT 'a b', \"c\" /* d */ from E -- f") == ["select", "from", "e"]


@given(st.text(alphabet="a1;'\"$/*-\\:\n (){}[]éE,.", max_size=60))
def test_every_text_has_an_end_and_loses_nothing_but_gaps(text: str) -> None:
    reading = lexer.read(text)
    spans = sorted([*reading.statements, *((t.start, t.end) for t in (*reading.psql, *reading.data))])
    covered = {at for start, end in spans for at in range(start, end)}
    left = "".join(char if at not in covered else " " for at, char in enumerate(text))
    assert not [token for token in lexer.tokens(left) if token.kind != "semicolon"]
