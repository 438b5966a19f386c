"""The matrix of what happens to a promotion that is disturbed, as `docs/prod-promotion-faults.md` has it.

Each test declares its cells by `fills`, and compares what it saw with them. With WRITE_FAULTS=1 it writes them instead:
`WRITE_FAULTS=1 python -m pytest tests/faults -k promotion`; review the difference as any other.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import ParamSpec

from tests.faults.promotion_kinds import GOES_BACK, LISTED
from tests.faults.promotion_site import ANEW, APPLY, DONE, GOES_ON, STEPS

# Table, row and column.
Cells = dict[tuple[str, str, str], str]
P = ParamSpec("P")

PATH = Path(__file__).parents[2] / "docs" / "prod-promotion-faults.md"
QUESTION = "*the question is open*"
OUTCOME, OVER = "*the outcome is written to the audit log*", "*all is done*"
ROWS = list(STEPS)
ROWS.insert(STEPS.index("Approved: promote"), QUESTION)
ROWS[-1:] = [OUTCOME, STEPS[-1], OVER]
KILLED, IN_THE_MIDST = "`kill -9` before it", "`kill -9` in its midst"
CUT, LOST, GONE = "connections cut before it", "answers lost in its midst", "network gone"
RESTARTED, LOCK = "database restarted", "lock taken away"
OPERATOR, HANDS, APPLIED = "second operator", "schema changed by others", "file applied by others"
COLUMNS = [KILLED, IN_THE_MIDST, CUT, LOST, GONE, RESTARTED, LOCK, OPERATOR, HANDS, APPLIED]
PREFECT, BACK, CHECKLIST = (
    "through Prefect",
    "where a file fails and all is rolled back",
    "where there is a checklist",
)
SAYS = "it says"
OPEN = "*the checklist is open*"
BACK_ROWS = [*ROWS[STEPS.index(APPLY[-1]) + 1 : -1]]
CHECKLIST_ROWS = [
    OPEN,
    "Approved: post-deployment",
    *STEPS[STEPS.index("Record the post-deployment checklist") :],
]
RETRIED, GONE_ON = "retried, goes on", "a new run goes on"
THROUGH_PREFECT = [
    "worker killed in the midst of a file",
    "refused for the lock when the plan was approved and nothing begun",
    "server killed while the run waits, and in the midst of a file",
    "server killed before each step, in the midst of each file, and at each question",
    "worker killed with its run before each step, in the midst of each file, and at each question",
    "worker killed alone in the midst of a file, while its run lives",
]
SURVIVES = "survives"
FIRST_WINS, SECOND_WINS, REFUSED, NOT_PROVEN = "refused", "overtakes", "is refused", "not proven"
# By the first word of its head: each table's rows and columns.
TABLES = {
    "where": (ROWS, COLUMNS),
    BACK: (BACK_ROWS, [KILLED, IN_THE_MIDST, CUT, LOST, RESTARTED, LOCK, OPERATOR]),
    CHECKLIST: (CHECKLIST_ROWS, [KILLED, IN_THE_MIDST, CUT, RESTARTED, LOCK, OPERATOR]),
    PREFECT: (THROUGH_PREFECT, [SAYS]),
}
# The cells that tests write, as far as their modules are imported.
DECLARED: set[tuple[str, str, str]] = set()
_MEANINGS = {
    ANEW: "nothing was begun; the run ended, and the next one, which is another run, asks for itself",
    GOES_ON: "the run ended; the next one goes on with the plan that was begun, and asks nobody",
    DONE: "the run ended, and the next one finds nothing pending",
    GOES_BACK: "the run ended; the next one goes on rolling the plan back, also where the file would run now, and asks "
    "nobody",
    LISTED: "the run ended; the next one goes on, asks nobody for the plan, and for the checklist, which nobody has "
    "confirmed yet",
    SURVIVES: "the same run tries again, and comes to its end",
    RETRIED: "the same run, retried, goes on and comes to its end; nobody is asked again, whatever was begun",
    GONE_ON: "a new run goes on with the plan that was begun, and asks nobody",
    FIRST_WINS: "the second operator is refused by the name of the first, who comes to an end",
    SECOND_WINS: "the second operator's promotion is approved and applied; the first is refused, and applies nothing",
    REFUSED: "the run is refused by the name of what others did; when that is put back, the next one promotes",
    NOT_PROVEN: "the run applies the plan and ends as not proven, by that name; when it is put back, the next one "
    "proves it and asks nobody",
}
_HEAD = """\
# What a disturbed promotion does

Each row is a step of [the promotion](prod-promotion.md), each column a disturbance. A cell says what was seen when the
tests disturbed a promotion there; they write this page, and fail where it says something else. In all of them every
file was applied **once** by history, journal and rows, the plan's record ended once, as promoted, by an approval of
that plan, no lock and no INVALID index was left, and `runbooks audit verify` held. The change has a migration in one
transaction, one that builds an index concurrently, one that commits by itself, and an overlay; *in its midst* is before
the answer to a statement, for every so many of them.

| it says | which means |
|---|---|
"""


def fills(
    column: str, rows: Iterable[str], *, table: str = "where"
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Declare of which cells a test writes, so that the page can be held against the tests without running them."""
    cells = [(table, row, column) for row in rows]
    assert column in TABLES[table][1], column
    assert {row for _, row, _ in cells} <= {*TABLES[table][0]}, cells
    DECLARED.update(cells)
    return lambda test: test


def saw(row: str, column: str, words: str | Iterable[str], *, table: str = "where") -> None:
    """Compare what was seen with the page, or write it there."""
    said = words if isinstance(words, str) else ", ".join(word for word in _MEANINGS if word in set(words))
    assert (table, row, column) in DECLARED, "the test does not declare that it writes this cell"
    if os.environ.get("WRITE_FAULTS"):
        with (PATH.parent / PATH.name).open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            cells = parsed(file.read())
            cells[table, row, column] = said
            file.truncate(0)
            file.write(page(cells))
    else:
        written = parsed(PATH.read_text("utf-8")).get((table, row, column), "")
        assert said == written, f"{row}, {column}: {said!r} was seen, and {PATH.name} says {written!r}"


def page(cells: Cells) -> str:
    """Return the page with these cells."""
    parts = [_HEAD + "".join(f"| {word} | {meaning} |\n" for word, meaning in _MEANINGS.items())]
    for table, (rows, columns) in TABLES.items():
        lines = [[table, *columns], ["---"] * (len(columns) + 1)]
        lines += [[row, *(cells.get((table, row, column), "") for column in columns)] for row in rows]
        parts.append(_table(lines))
    return "\n".join(parts)


def parsed(text: str) -> Cells:
    """Return the cells of the page that say something."""
    found: Cells = {}
    table = ""
    for line in text.splitlines():
        row, *cells = (part.strip() for part in line.strip("|").split("|"))
        table = row if row in TABLES and cells else table if cells else ""
        if table and row in TABLES[table][0]:
            columns = TABLES[table][1]
            found |= {(table, row, column): cell for column, cell in zip(columns, cells, strict=True) if cell}
    return found


def _table(lines: Sequence[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
