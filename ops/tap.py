"""The Test Anything Protocol as pgTAP speaks it: plans, results, diagnostics and what prove objects to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ops import verdict

_PLAN = re.compile(r"1\.\.(\d+)\s*(?:#\s*SKIP\b\s*(?P<why>.*))?$", re.IGNORECASE)
_RESULT = re.compile(r"(?P<not>not )?ok\b(?:\s+(?P<number>\d+))?\s*(?:-\s*)?(?P<rest>.*)$")
_DIRECTIVE = re.compile(r"(?<!\\)#\s*(?P<kind>TODO|SKIP)\b\s*(?P<why>.*)$", re.IGNORECASE)
_BAIL_OUT = re.compile(r"Bail out!\s*(.*)$", re.IGNORECASE)


@dataclass(slots=True)
class Tap:
    """What a suite has said so far; feed it every line of output, then ask for its `verdict`.

    Indented lines are subtests: their own result is the line without indentation that follows them.
    """

    planned: int | None = None
    plans: int = 0
    ran: int = 0
    passed: int = 0
    failures: list[list[str]] = field(default_factory=list[list[str]])
    skipped_all: str | None = None
    bailed_out: str | None = None
    _failing: bool = False
    _pending: list[str] = field(default_factory=list[str])

    @property
    def spoke(self) -> bool:
        """Whether anything was TAP at all."""
        return bool(self.plans or self.ran or self.bailed_out is not None)

    def feed(self, text: str, *, where: str = "") -> None:
        """Read the lines of one piece of output; `where` is named with each failure."""
        for line in text.splitlines():
            self._line(line, where)

    def verdict(self, name: str, *, error: str | None = None) -> verdict.ContractFile:
        """Return the suite's result; `error` is what ended it before its time."""
        return verdict.ContractFile(
            name=name,
            planned=self.planned,
            passed=self.passed,
            failed=len(self.failures),
            error=error if self.bailed_out is None and error else self._objection(),
            failures=tuple("\n".join(lines) for lines in self.failures),
        )

    def _line(self, line: str, where: str) -> None:
        if line.startswith((" ", "\t")):
            if line.lstrip().startswith("not ok"):
                self._pending.append(line.strip())
        elif line.startswith("#"):
            self._diagnostic(line)
        elif plan := _PLAN.match(line):
            self.planned, self.plans = int(plan[1]), self.plans + 1
            self.skipped_all = plan["why"] if plan[1] == "0" else None
        elif bail_out := _BAIL_OUT.match(line):
            self.bailed_out = bail_out[1].strip() or "no reason given"
        elif result := _RESULT.match(line):
            self._result(result, where)

    def _result(self, result: re.Match[str], where: str) -> None:
        self.ran += 1
        pending, self._pending = self._pending, []
        directive = _DIRECTIVE.search(result["rest"])
        todo = directive is not None and directive["kind"].upper() == "TODO"
        self._failing = bool(result["not"]) and not todo
        if self._failing:
            self.failures.append([f"{where}{result.string.strip()}", *pending])
        else:
            self.passed += 1

    def _diagnostic(self, line: str) -> None:
        summary = line.startswith(("# Looks like", "# Failed test"))
        if self._failing and not summary:
            self.failures[-1].append(line.removeprefix("#").strip())

    def _objection(self) -> str | None:
        if self.bailed_out is not None:
            return f"bailed out: {self.bailed_out}"
        if not self.ran:
            why = f" (skipped: {self.skipped_all})" if self.skipped_all else ""
            return f"ran no test{why}, so it says nothing; write at least one or remove the file"
        if self.planned is None:
            return f"ran {self.ran} tests and has no plan, so nobody knows how many were meant; add plan()"
        if self.plans > 1:
            return f"planned {self.plans} times; one file has one plan"
        if self.planned != self.ran:
            return f"planned {self.planned} tests and ran {self.ran}"
        return None


def is_tap(line: str) -> bool:
    """Whether a line is a plan, a result, a diagnostic or a bail-out."""
    lowered = line.lstrip()
    return any(pattern.match(lowered) for pattern in (_PLAN, _RESULT, _BAIL_OUT)) or line.startswith("#")
