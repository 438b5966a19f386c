"""A SQL file read by the real parser: its statements, where they stand, and how they may be run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import postgast
from google.protobuf.message import DecodeError

from ops import lexer, nature, transactions
from ops.nature import Nature


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
    nature: Nature = Nature.ORDINARY


@dataclass(frozen=True, slots=True)
class Unit:
    """Statements that commit together; one that is not `transactional` must run outside a transaction."""

    statements: tuple[Statement, ...]
    transactional: bool


@dataclass(frozen=True, slots=True)
class Script:
    """A file's text, its statements in order, and the units in which they run.

    `transactional` says that the whole file is one transaction. `findings` are sentences about what is
    merely odd (empty, CRLF, BEGIN/COMMIT inside). `meta_commands` holds what only psql understands (its own
    commands, variables, data after COPY), which only files run through psql may have. `parse_error` is what the
    parser, which may be older than the server, did not understand, and `error_at` its place. `plan` is what the
    file's own transaction control amounts to, by index of `statements`.
    """

    text: str
    statements: tuple[Statement, ...]
    units: tuple[Unit, ...]
    transactional: bool
    findings: tuple[str, ...] = ()
    meta_commands: tuple[Statement, ...] = ()
    parse_error: str | None = field(default=None)
    error_at: Statement | None = None
    plan: transactions.Plan = field(default_factory=transactions.Plan, repr=False)


def parse(text: str) -> Script:
    """Read a file's text: its statements, and the units in which they run.

    Never raises on bad SQL: `parse_error` says what the parser did not understand, and the statements are
    then those that a reading without a grammar finds.
    """
    # libpg_query takes a C string, and the protobuf has no lone surrogates.
    readable = text.replace("\0", " ").encode("utf-8", "replace").decode()
    place = _Places(text)
    meta: tuple[Statement, ...] = ()
    error: str | None = None
    error_at: Statement | None = None
    try:
        pieces = _parsed(readable)
    except (postgast.PgQueryError, DecodeError) as problem:
        reading = lexer.read(readable)
        pieces, error, where = _read_again(readable, reading, problem)
        tokens = sorted((*reading.psql, *reading.data), key=lambda token: token.start)
        meta = tuple(place(token.start, token.end, "", Nature.ORDINARY) for token in tokens)
        error_at = place(where, where, "", Nature.ORDINARY) if error else None
    found = tuple(place(*piece) for piece in pieces)
    return replace(_assemble(text, found, meta), parse_error=error, error_at=error_at)


def one_by_one(script: Script) -> tuple[Unit, ...]:
    """Return each statement as a unit of its own; whatever may end a transaction runs outside one."""
    outside = {Nature.ALONE, Nature.ENDS_ITSELF, Nature.MAY_COMMIT, Nature.MAY_BE_ALONE}
    run = [statement for unit in script.units for statement in unit.statements]
    return tuple(Unit((statement,), transactional=statement.nature not in outside) for statement in run)


def position(text: str, offset: int) -> tuple[int, int]:
    """Return the line and the column, both from 1, of a character's offset."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


Piece = tuple[int, int, str, Nature]


def _parsed(text: str) -> list[Piece]:
    data = text.encode()
    pieces: list[Piece] = []
    chars = seen = 0
    for raw in postgast.parse(text).stmts:
        kind = raw.stmt.WhichOneof("node") or ""
        chars += len(data[seen : raw.stmt_location].decode())
        end_byte = raw.stmt_location + raw.stmt_len if raw.stmt_len else len(data)
        end = chars + len(data[raw.stmt_location : end_byte].decode())
        start = lexer.skip_gap(text, chars)
        chars, seen = end, end_byte
        pieces.append((start, _without_gap(text, start, end), kind, nature.of(kind, raw.stmt)))
    return pieces


def _without_gap(text: str, start: int, end: int) -> int:
    return start + len(text[start:end].rstrip(" \t\n\r\f\v"))


def _read_again(text: str, reading: lexer.Reading, problem: Exception) -> tuple[list[Piece], str | None, int]:
    """Parse without psql's own language, and statement by statement where that does not help either.

    Returns the pieces, and the error of the parser with its offset.
    """
    masked = _masked(text, reading)
    if masked != text:
        try:
            return _parsed(masked), None, 0
        except (postgast.PgQueryError, DecodeError) as error:
            problem = error
    pieces = [_piece(masked, start, end) for start, end in reading.statements]
    if isinstance(problem, postgast.PgQueryError):
        return pieces, str(problem), max(0, problem.cursorpos - 1)
    return pieces, None, 0  # too deep for the tree, and no error


def _masked(text: str, reading: lexer.Reading) -> str:
    if not reading.psql and not reading.data:
        return text
    out: list[str] = []
    last = 0
    for token in sorted((*reading.psql, *reading.data), key=lambda token: token.start):
        end = token.start + 1 if token.kind == "variable" else token.end
        out += [text[last : token.start], _blank(text[token.start : end])]
        last = end
    return "".join([*out, text[last:]])


def _blank(text: str) -> str:
    return "".join("\n" if char == "\n" else " " for char in text)


def _piece(text: str, start: int, end: int) -> Piece:
    try:
        (raw,) = postgast.parse(text[start:end]).stmts
    except (postgast.PgQueryError, DecodeError, ValueError):
        return start, end, "", nature.guess(text[start:end])
    kind = raw.stmt.WhichOneof("node") or ""
    return start, end, kind, nature.of(kind, raw.stmt)


class _Places:
    """Makes statements of ranges that come in order, counting lines only once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._offset, self._line, self._line_start = 0, 1, 0

    def __call__(self, start: int, end: int, kind: str, of: Nature) -> Statement:
        if start < self._offset:
            self._offset, self._line, self._line_start = 0, 1, 0
        newlines = self._text.count("\n", self._offset, start)
        if newlines:
            self._line += newlines
            self._line_start = self._text.rfind("\n", self._offset, start) + 1
        self._offset = start
        return Statement(
            text=self._text[start:end],
            offset=start,
            line=self._line,
            column=start - self._line_start + 1,
            kind=kind,
            nature=of,
        )


def _assemble(text: str, found: tuple[Statement, ...], meta: tuple[Statement, ...]) -> Script:
    grouping = transactions.plan([s.nature for s in found], breaks=_breaks(found))
    units = tuple(
        Unit(tuple(found[index] for index in group.statements), group.transactional)
        for group in grouping.groups
    )
    script = Script(
        text=text,
        statements=found,
        units=units,
        transactional=grouping.transactional,
        meta_commands=meta,
        plan=grouping,
    )
    return replace(script, findings=tuple(_findings(script)))


def _breaks(found: Sequence[Statement]) -> frozenset[int]:
    """Where a transaction must end, because a value just added to an enum is used later in the file."""
    breaks: set[int] = set()
    for index, statement in enumerate(found):
        if statement.nature is Nature.NEW_ENUM_VALUE and _used_later(statement, found[index + 1 :]):
            breaks.add(index)
    return frozenset(breaks)


def _used_later(statement: Statement, later: Sequence[Statement]) -> bool:
    quoted = [t for t in lexer.tokens(statement.text) if t.kind == "quoted"]
    value = statement.text[quoted[0].start : quoted[0].end] if quoted else None
    return value is not None and any(
        value in other.text for other in later if other.nature is not Nature.NEW_ENUM_VALUE
    )


def _findings(script: Script) -> Iterator[str]:
    if not script.statements and not script.meta_commands:
        yield "holds no statement: it is empty or has only comments"
    if "\r\n" in script.text:
        yield "has Windows line ends (CRLF)"
    if script.text and not script.text.endswith("\n"):
        yield "does not end with a newline"
