"""Errors of the server, and refusals of ours, with their place in the file."""

from __future__ import annotations

import re

import psycopg

from ops import secrets, statements
from ops.statements import Statement
from ops.verdict import Failure

_PLACE = re.compile(r"(\d+):(\d+): (.*)", re.DOTALL)
_LONGEST_STATEMENT = 2000


def of(error: psycopg.Error, statement: Statement | None, file: str) -> Failure:
    """Return what the server said; the place is the server's own where it gives one, else the statement's."""
    diagnostic = error.diag
    line, column = (statement.line, statement.column) if statement else (None, None)
    if statement and diagnostic.statement_position:
        line, column = _inside(statement, int(diagnostic.statement_position) - 1)
    detail = "\n".join(filter(None, (diagnostic.message_detail, diagnostic.context)))
    return Failure(
        message=secrets.redact(diagnostic.message_primary or str(error).strip()),
        sqlstate=error.sqlstate,
        hint=secrets.redact(diagnostic.message_hint) if diagnostic.message_hint else None,
        detail=secrets.redact(detail) or None,
        file=file,
        line=line,
        column=column,
        statement=secrets.redact(statement.text)[:_LONGEST_STATEMENT] if statement else None,
    )


def refusal(problem: str, file: str) -> Failure:
    """Return the failure of a file that must not run; `problem` is its sentence, with its place or without."""
    place = _PLACE.fullmatch(problem.removeprefix(f"{file}:"))
    if place is None:
        return Failure(message=problem.removeprefix(f"{file}: "), file=file)
    line, column, message = place.groups()
    return Failure(message=message, file=file, line=int(line), column=int(column))


def _inside(statement: Statement, offset: int) -> tuple[int, int]:
    line, column = statements.position(statement.text, offset)
    return statement.line + line - 1, column + (statement.column - 1 if line == 1 else 0)
