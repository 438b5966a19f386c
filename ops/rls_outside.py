"""What no transaction takes back: another server, a program, a file, a number that is set, a text nobody has read."""

from __future__ import annotations

import itertools
import re
from typing import Protocol

from ops import lexer

_NAMES = re.compile(
    r"dblink\w*|http|http_(?:get|post|put|patch|delete|head|request|collect_response)|setval"
    r"|lo_(?:create|import|export)|pg_file_\w+|pg_logical_emit_message|pg_(?:terminate|cancel)_backend"
    r"|pg_reload_conf|pg_switch_wal|pg_advisory_lock(?:_shared)?"
    r"|(?:query|cursor)_to_xml\w*|ts_stat|ts_rewrite|crosstab\w*|connectby",
    re.IGNORECASE,
)
_CALLED = re.compile(rf'(?<![\w$])({_NAMES.pattern})"?\s*\(', re.IGNORECASE)
# Those whose functions reach outside whatever they are called.
_EXTENSIONS = frozenset(
    {
        "adminpack", "aws_commons", "aws_lambda", "aws_s3", "dblink", "file_fdw", "http", "mongo_fdw", "mysql_fdw",
        "oracle_fdw", "orafce", "pg_background", "pg_net", "plproxy", "plsh", "postgres_fdw", "redis_fdw", "tds_fdw",
        "wrappers",
    }
)  # fmt: skip
_DOLLAR = re.compile(r"(\$\w*\$)(.*)\1", re.DOTALL)
# DDL within a function has the word too.
_NO_TEXT = {"function", "procedure", "on"}


class Called(Protocol):
    """A function, as far as it is judged."""

    @property
    def schema(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def trusted(self) -> bool: ...
    @property
    def extension(self) -> str | None: ...
    @property
    def source(self) -> str: ...


def is_named_so(name: str) -> bool:
    """Whether a function of this name reaches outside."""
    return _NAMES.fullmatch(name) is not None


def said_of(function: Called) -> str | None:
    """Return what a function does that is not taken back; what it calls is asked for apart."""
    if is_named_so(function.name):
        return f"calls {function.name}()"
    if function.extension in _EXTENSIONS:
        return f"calls {function.name}() of the extension {function.extension}"
    if function.language in ("internal", "c"):
        unknown = function.language == "c" and function.extension is None and function.schema != "pg_catalog"
        return f"calls {function.name}(), which is in C and of no extension" if unknown else None
    if not function.trusted:
        return f"is in {function.language}, which may do anything"
    return _said_of_text(function.source)


def _said_of_text(source: str) -> str | None:
    text = without_comments(source)
    if found := _CALLED.search(text):
        return f"calls {found[1].lower()}()"
    words = list[str]()
    for each in lexer.tokens(text):
        piece = text[each.start : each.end]
        # What stands in a dollar quote may be code as well.
        if (quoted := _DOLLAR.fullmatch(piece)) and (said := _said_of_text(quoted[2])):
            return said
        words.append("'" if quoted or (each.kind == "quoted" and piece[0] != '"') else piece.lower())
    for place, word in enumerate(words, start=1):
        if word == "copy" and _leaves(words[place:]):
            return "copies to or from a program or a file"
        if word == "execute" and _is_put_together(words[place : place + 2]):
            return "executes a text that is put together while it runs"
    return None


def without_comments(source: str) -> str:
    """Return the text of a function with one blank between two tokens."""
    return " ".join(source[each.start : each.end] for each in lexer.tokens(source))


def _leaves(words: list[str]) -> bool:
    end = words.index(";") if ";" in words else len(words)
    return any(
        word in ("to", "from") and after in ("program", "'")
        for word, after in itertools.pairwise(words[:end])
    )


def _is_put_together(words: list[str]) -> bool:
    if not words or words[0] in _NO_TEXT:
        return False
    return words[0] != "'" or (len(words) > 1 and words[1] not in (";", "into", "using", "loop", "end"))
