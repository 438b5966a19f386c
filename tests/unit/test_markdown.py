"""Texts of other people in Markdown: shown as they are, and nothing more."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from ops import markdown, secrets

HOSTILE = (
    "a`b`c",
    "one | two",
    "<img src=x onerror=alert(1)> & <!-- gone",
    "[press](https://evil.example/x) ![seen](y)",
    "**bold** _slanted_ ~~gone~~",
    "# a heading",
    "- an item",
    "1. an item",
    "---",
    "back\\slash \\| and \\` more",
    "&lt;b&gt; &#64;acme",
    "a | --- | b",
)


def shown(text: str) -> str:
    """What a reader of this Markdown sees, with the tags that it became."""
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text).strip()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_shows_as_it_is_and_becomes_nothing_else(text: str) -> None:
    plain = shown(markdown.escaped(text))
    assert plain.startswith("<p>")
    assert plain.count("<") == 2
    told = plain.removeprefix("<p>").removesuffix("</p>")
    for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&"), ("\u200b", "")):
        told = told.replace(entity, sign)
    assert told == text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_cell_stays_in_its_row_and_column(text: str) -> None:
    plain = shown("\n".join(markdown.table(("a", "b"), [(text, "last\nline")])))
    assert plain.count("<td>") == 2
    assert plain.count("<tr>") == 2
    assert "<td>last line</td>" in plain


@pytest.mark.parametrize("text", HOSTILE)
def test_code_ends_where_it_should(text: str) -> None:
    plain = shown(f"see {markdown.code(text)} there")
    assert plain.startswith("<p>see <code>")
    assert plain.endswith("</code> there</p>")
    assert plain.count("<") == 4


def test_nobody_is_called_and_nothing_is_linked() -> None:
    text = markdown.escaped(
        "@acme/owners a@b.example closes #12, GH-3, see https://evil.example and www.evil.example"
    )
    for calling in ("@acme", "@b", "#12", "GH-3", "://", "www."):
        assert calling not in text
    assert text.replace("\u200b", "").startswith("@acme/owners a@b.example closes #12")


def test_nothing_is_hidden_or_written_backwards() -> None:
    assert markdown.escaped("a\u202etxt\x1b[31m\x00b") == "a\ufffdtxt\ufffd\\[31m\ufffdb"
    assert markdown.code("a\u202eb\nc") == "`a\ufffdb c`"


def test_half_a_secret_is_none() -> None:
    secrets.remember("correct-horse-battery")
    text = markdown.short("x" * 20 + "correct-horse-battery", 30)
    assert "correct" not in text
    assert text == f"{'x' * 20}[redacted]"


def test_no_rows_are_no_table() -> None:
    assert list(markdown.table(("a",), [])) == []
