"""What counts as an assertion in the output of a contract: booleans, TAP lines, PASS and FAIL, DO blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from ops import selected, tap, verdict
from ops.printed import Transcript
from ops.statements import Statement
from ops.undone import Answer, Column

_BOOLEAN = 16
_TEXT = {19, 25, 1042, 1043}
# In the middle of a sentence only capitals are a verdict: "2 jobs failed" is about jobs.
_NONE_FAILED = re.compile(r"(?i:\bfail(?:ed|ures?)?\s*[:=]\s*0\b|\b(?:0|no)\s+fail(?:ed|ures?)?\b)")
_FAILED = re.compile(r"^\W*(?i:not ok|fail(?:ed|ure)?)(?!\w)|^\W*(?i:false)\W*$|\bFAIL(?:ED|URE)?\b|[✗✘❌]")
_PASSED = re.compile(r"^\W*(?i:ok|pass(?:ed)?)(?!\w)|^\W*(?i:true)\W*$|\bPASS(?:ED)?\b|[✓✔✅]")
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_CATCH_ALL = re.compile(
    r"\bwhen\s+(?:\w+\s+or\s+)*(?:others|raise_exception|sqlstate\s+'P0001')\b[^;]*?\bthen\b", re.IGNORECASE
)
_RAISE = re.compile(r"\braise(?:\s+(?:exception\b|sqlstate\b|using\b|')|\s*;)", re.IGNORECASE)
_ASSERT = re.compile(r"\bassert\b", re.IGNORECASE)
_CALLS = re.compile(
    r"^select\s+(?!.*\b(?:plan|no_plan|finish)\s*\()[\w\"]+\.[\w\"]+\s*\(", re.IGNORECASE | re.DOTALL
)
_SCHEMA_COLUMNS = ("schemaname", "table_schema", "schema_name", "nspname", "schema")
_TABLE_COLUMNS = ("tablename", "table_name", "relname", "table")


@dataclass(slots=True)
class Findings:
    """What a file has asserted so far; with `calls_count` a function's own boolean is an assertion.

    With `data_counts` so is what a table's own column holds.
    """

    file: str
    calls_count: bool = True
    data_counts: bool = True
    tap: tap.Tap = field(default_factory=tap.Tap)
    passed: int = 0
    failures: list[str] = field(default_factory=list[str])
    errors: list[str] = field(default_factory=list[str])

    def hear(self, answer: Answer, *, file: str | None = None) -> None:
        """Count what the server said to one statement; `file` is given where another file includes it."""
        where = f"{file or self.file}:{answer.statement.line}: "
        before = self.passed + len(self.failures) + self.tap.ran
        for row in answer.rows:
            self._row(self._columns(answer), row, where, answer.statement)
        for _, message in answer.notices:
            self.text(message, where)
        if answer.error:
            self.errors.append(describe(answer.error))
        elif before == self.passed + len(self.failures) + self.tap.ran and asserts(answer.statement):
            self.passed += 1

    def _columns(self, answer: Answer) -> tuple[Column, ...]:
        if self.calls_count or not calls(answer.statement):
            return answer.columns
        return tuple(
            replace(column, type=0) if column.type == _BOOLEAN else column for column in answer.columns
        )

    def text(self, text: str, where: str) -> None:
        """Count what a piece of text says, if it says anything."""
        for line in text.splitlines():
            if tap.is_tap(line):
                self.tap.feed(line, where=where)
            elif (said := says(line)) is not None:
                self.count(said, f"{where}{line.strip()}")

    def count(self, passed: bool, description: str) -> None:
        """Count one assertion."""
        if passed:
            self.passed += 1
        else:
            self.failures.append(description)

    @property
    def silent(self) -> bool:
        """Whether nothing was asserted, and nothing went wrong."""
        return not (self.passed or self.failures or self.errors or self.tap.spoke)

    def contract(self) -> verdict.ContractFile:
        """Return the result of a file in which every assertion counts, in whichever form."""
        spoken = self.tap.verdict(self.file)
        failures = (*self.failures, *spoken.failures)
        error = (
            self.errors[0] if self.errors else spoken.error if self.tap.plans or self.tap.bailed_out else None
        )
        if error is None and not self.passed + spoken.passed + len(failures):
            error = (
                f"{self.file} asserts nothing, so it cannot fail: select booleans, "
                "use ASSERT or RAISE EXCEPTION in a DO block, or pgTAP"
            )
        return verdict.ContractFile(
            name=self.file,
            planned=self.tap.planned,
            passed=self.passed + spoken.passed,
            failed=len(failures) + len(self.errors),
            error=error,
            failures=(*self.errors, *failures),
        )

    def suite(self) -> verdict.ContractFile:
        """Return the result of a pgTAP suite; a file that speaks no TAP is judged as a contract."""
        if not self.tap.spoke:
            return self.contract()
        return self.tap.verdict(self.file, error=self.errors[0] if self.errors else None)

    def _row(
        self, columns: tuple[Column, ...], row: tuple[str | None, ...], where: str, statement: Statement
    ) -> None:
        for index, (column, cell) in enumerate(zip(columns, row, strict=True)):
            if not self.data_counts and selected.read(statement.text).is_data(column.name):
                self.text("\n".join(filter(tap.is_tap, (cell or "").splitlines())), where)
            elif column.type == _BOOLEAN:
                said = {"t": "true", "f": "false", None: "NULL, neither true nor false"}[cell]
                self.count(cell == "t", f"{where}{_name(columns, row, index)} is {said}")
            elif column.type in _TEXT and cell is not None and column.name != "set_config":
                self.text(cell, f"{where}{_named(columns, row)}")


def describe(error: verdict.Failure) -> str:
    """Return an error in one line, with what the server adds to it."""
    extra = "; ".join(part for part in (error.detail, error.hint) if part)
    return f"{error} ({extra})" if extra else str(error)


def says(text: str) -> bool | None:
    """Return whether a line of text says that a test passed or failed, or neither."""
    cleaned = _NONE_FAILED.sub("", text)
    if _FAILED.search(cleaned):
        return False
    return True if _PASSED.search(cleaned) else None


def asserts(statement: Statement) -> bool:
    """Whether a statement is a DO block that would have failed had an assertion in it not held.

    What a handler for everything would swallow is no assertion; ASSERT passes such handlers by.
    """
    if statement.kind != "do_stmt":
        return False
    body = _COMMENT.sub(" ", statement.text)
    if _ASSERT.search(body):
        return True
    handlers = list(_CATCH_ALL.finditer(body))
    return bool(_RAISE.search(body, handlers[-1].end() if handlers else 0))


def calls(statement: Statement) -> bool:
    """Whether a query calls one function of a schema other than pgTAP's, for its effect."""
    return bool(_CALLS.search(statement.text))


def _name(columns: tuple[Column, ...], row: tuple[str | None, ...], index: int) -> str:
    """Name an assertion by its table and by the other columns of its row."""
    others = [
        str(cell)
        for number, (column, cell) in enumerate(zip(columns, row, strict=True))
        if number != index and cell is not None and column.type != _BOOLEAN and not _is_place(column)
    ]
    text = " ".join(others)
    column = columns[index].name
    return f"{_named(columns, row)}{text + ': ' if text else ''}{'it' if column == '?column?' else column}"


def _named(columns: tuple[Column, ...], row: tuple[str | None, ...]) -> str:
    """The table that the row names in columns of its own, as `schema.table: `."""
    cells = {column.name: cell for column, cell in zip(columns, row, strict=True) if cell}
    schema = next((cells[name] for name in _SCHEMA_COLUMNS if name in cells), None)
    table = next((cells[name] for name in _TABLE_COLUMNS if name in cells), None)
    place = ".".join(part for part in (schema, table) if part)
    return f"{place}: " if place else ""


def _is_place(column: Column) -> bool:
    return column.name in {*_SCHEMA_COLUMNS, *_TABLE_COLUMNS}


def of_transcript(
    file: str, transcript: Transcript, *, calls_count: bool = True, data_counts: bool = True
) -> Findings:
    """Count what psql printed, statement by statement."""
    found = Findings(file, calls_count, data_counts)
    for name, answer in transcript.answers:
        found.hear(answer, file=name)
    for place, text in transcript.printed:
        found.text(text, place or f"{file}: ")
    found.errors += [describe(failure) for failure in transcript.failures]
    if transcript.error:
        found.errors.append(f"{file} {transcript.error}")
    return found
