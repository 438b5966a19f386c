"""A SQL file read by the real parser: its statements, where they stand, and how they may be run."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a file.

    `offset` counts characters from the start of the file's text; `line` and `column` start at 1; `kind` is
    the parser's node name, such as `create_stmt` or `index_stmt`, or "" where the parser could not say.
    """

    text: str
    offset: int
    line: int
    column: int
    kind: str


@dataclass(frozen=True, slots=True)
class Unit:
    """Statements that commit together; one that is not `transactional` must run outside a transaction."""

    statements: tuple[Statement, ...]
    transactional: bool


@dataclass(frozen=True, slots=True)
class Script:
    """A file's text, its statements in order, and the units in which they run.

    `transactional` says that the whole file is one transaction. `findings` are sentences about what is
    merely odd (empty, CRLF, BEGIN/COMMIT inside). `meta_commands` holds psql's own commands, which only
    files run through psql may have.
    """

    text: str
    statements: tuple[Statement, ...]
    units: tuple[Unit, ...]
    transactional: bool
    findings: tuple[str, ...] = ()
    meta_commands: tuple[Statement, ...] = ()
    parse_error: str | None = field(default=None)
