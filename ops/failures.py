"""Errors of the server, and refusals of ours, with their place in the file."""

from __future__ import annotations

import re

import psycopg

from ops import lexer, secrets, statements
from ops.statements import Statement
from ops.verdict import Failure

_PLACE = re.compile(r"(\d+):(\d+): (.*)", re.DOTALL)
_LONGEST_STATEMENT = 2000
_NOT_SUPPORTED = "0A000"
_NO_EXTENSION = (
    "This server lacks the extension and nothing stands in for it, which says nothing about the migration: "
    "rehearse on a server that has it, by --bindir or --database."
)
# As the server says it in any language.
_LINE_OF_BLOCK = re.compile(r"\binline_code_block\b\D+(\d+)")


def of(error: psycopg.Error, statement: Statement | None, file: str) -> Failure:
    """Return what the server said; the place is the server's own where it gives one, else the statement's."""
    diagnostic = error.diag
    line, column = _inside(statement, _offset(diagnostic, statement.text)) if statement else (None, None)
    detail = "\n".join(filter(None, (diagnostic.message_detail, diagnostic.context)))
    return Failure(
        message=secrets.redact(diagnostic.message_primary or str(error).strip()),
        sqlstate=error.sqlstate,
        hint=_hint(error, statement),
        detail=secrets.redact(detail) or None,
        file=file,
        line=line,
        column=column,
        statement=secrets.redact(statement.text)[:_LONGEST_STATEMENT] if statement else None,
    )


def _hint(error: psycopg.Error, statement: Statement | None) -> str | None:
    hint = error.diag.message_hint
    if hint and statement and statement.kind == "create_extension_stmt" and error.sqlstate == _NOT_SUPPORTED:
        return _NO_EXTENSION
    return secrets.redact(hint) if hint else None


def refusal(problem: str, file: str) -> Failure:
    """Return the failure of a file that must not run; `problem` is its sentence, with its place or without."""
    place = _PLACE.fullmatch(problem.removeprefix(f"{file}:"))
    if place is None:
        return Failure(message=problem.removeprefix(f"{file}: "), file=file)
    line, column, message = place.groups()
    return Failure(message=message, file=file, line=int(line), column=int(column))


def _offset(diagnostic: psycopg.errors.Diagnostic, text: str) -> int:
    """Return where in a statement's text the server saw the error; 0 where it does not say."""
    if diagnostic.statement_position:
        return int(diagnostic.statement_position) - 1
    found = _LINE_OF_BLOCK.findall(diagnostic.context or "")
    body = next((t for t in lexer.tokens(text) if t.kind in ("dollar", "quoted")), None) if found else None
    return _in_block(diagnostic, text, body.start, int(found[-1])) if body else 0


def _in_block(diagnostic: psycopg.errors.Diagnostic, text: str, start: int, line: int) -> int:
    """Return the place of an error in a DO block, whose lines count from its opening quote."""
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    query, position = diagnostic.internal_query, diagnostic.internal_position
    within = text.find(query, start) if query and position else -1
    if within >= 0:
        return within + int(position or 1) - 1
    return lexer.skip_gap(text, start) if line > 1 else start


def _inside(statement: Statement, offset: int) -> tuple[int, int]:
    line, column = statements.position(statement.text, offset)
    return statement.line + line - 1, column + (statement.column - 1 if line == 1 else 0)
