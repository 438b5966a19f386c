"""One screen of verdict: bounded, plain where nobody watches a terminal, and with what matters first."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from cli import summary
from cli.screen import Screen
from ops import secrets
from ops.evidence import Evidence
from ops.verdict import Failure
from tests import reports

WIDTHS = (40, 80, 120)


class Terminal(io.StringIO):
    """Standard output that is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Ascii(io.StringIO):
    """A pipe that speaks only ASCII."""

    encoding = "ascii"

    def write(self, text: str, /) -> int:
        text.encode("ascii")
        return super().write(text)


class Utf8(io.StringIO):
    """A file or a pipe."""

    encoding = "utf-8"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "COLUMNS", "LINES", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", reports.ALL)
def test_verdict_fits_one_screen(name: str, width: int) -> None:
    console = Console(file=Utf8(), width=width)
    found = summary.lines(reports.ALL[name](), console=console, height=40)
    assert len(found) <= 40
    # What is there to be copied, a path and a seal, is not cut.
    assert all(line.cell_len <= width for line in found if not line.plain.startswith(("Evidence", "Seal")))


@pytest.mark.parametrize("name", reports.ALL)
def test_low_terminal_gets_fewer_lines(name: str) -> None:
    found = summary.lines(reports.ALL[name](), console=Console(file=Utf8(), width=80), height=24)
    assert len(found) <= 24
    assert any(line.plain.startswith("Next") for line in found)


def shown(monkeypatch: pytest.MonkeyPatch, name: str, output: io.StringIO, width: int = 100) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    Screen(output).verdict(reports.ALL[name]())
    return output.getvalue()


@pytest.mark.parametrize("name", reports.ALL)
def test_pipe_gets_plain_text(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    text = shown(monkeypatch, name, Utf8())
    assert "\x1b" not in text
    assert reports.ALL[name]().verdict.upper() in text


def test_terminal_gets_colours_unless_it_wants_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" in shown(monkeypatch, "failed", Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in shown(monkeypatch, "failed", Terminal())


@pytest.mark.parametrize("name", reports.ALL)
def test_pipe_that_speaks_ascii_gets_ascii(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    screen = Screen(Ascii())
    screen.finished("Prüfe die Verbindung", Evidence(ok=False, summary="größer → kleiner"), 0.2)
    assert shown(monkeypatch, name, Ascii())


def test_failure_names_place_code_statement_hint_and_help(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(monkeypatch, "failed", Utf8()).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("✗"))
    assert lines[start] == "✗ supabase/migrations/20250000000003_programmatic_seo_blueprints.sql:14:3"
    block = "\n".join(lines[start : start + 8])
    assert '42703 column "sku" referenced in foreign key constraint does not exist' in block
    assert "│ alter table public.programmatic_seo_blueprints" in block
    assert "hint: There is a column named" in block
    assert "→ Something it needs is not there" in block


def test_worst_comes_first_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, "failed", Utf8())
    marks = re.findall(r"^([✗!]) ", text, flags=re.MULTILINE)
    assert marks == sorted(marks, key="✗!".index)
    huge = shown(monkeypatch, "huge", Utf8(), width=120)
    assert re.search(r"… and 29\d more in the note of the bundle", huge)


def test_next_action_is_always_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in reports.ALL:
        assert re.search(r"^Next +\S", shown(monkeypatch, name, Utf8()), flags=re.MULTILINE), name


def test_refusal_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = reports.refused()
    (bad, *_) = found.migrations
    assert bad.error is not None
    output = Utf8()
    monkeypatch.setenv("COLUMNS", "300")
    again = found.model_copy(update={"error": Failure(message=f"{bad.error} Nothing was run.")})
    Screen(output).verdict(again)
    assert output.getvalue().count("Remove the byte.") == 1


def test_hostile_text_does_not_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = "\x1b[2Jgone \x07\x00 \u202eright to left\r\n[bold]markup[/bold] :smile:"
    output = Terminal()
    monkeypatch.setenv("NO_COLOR", "1")
    found = reports.rehearsal(
        reports.migration(1, "a", error=Failure(message=hostile, statement=hostile, hint=hostile)),
        ok=False,
        summary=hostile,
        findings=(hostile,),
    )
    screen = Screen(output)
    screen.finished(hostile, Evidence(ok=False, summary=hostile), 0.1)
    screen.verdict(found)
    text = output.getvalue()
    assert not re.search("[\x00\x07\x1b\u202e\r]", text)
    assert "[bold]markup[/bold] :smile:" in text


def test_screen_has_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets.remember("hunter2hunter2")
    output = Utf8()
    screen = Screen(output)
    screen.started("Apply hunter2hunter2")
    screen.failed("Apply hunter2hunter2", RuntimeError("hunter2hunter2"), 0.1)
    screen.verdict(reports.rehearsal(ok=False, summary="hunter2hunter2", findings=("hunter2hunter2",)))
    assert "hunter2" not in output.getvalue()
    assert secrets.MASK in output.getvalue()


def test_steps_are_marked_by_how_they_ended() -> None:
    output = Utf8()
    screen = Screen(output)
    screen.finished("Apply a.sql", Evidence(ok=True, summary="applied"), 0.012)
    screen.finished("Apply b.sql", Evidence(ok=False, summary="b.sql:3:1 42P01"), 1.26)
    screen.finished("Apply c.sql", Evidence(ok=True, summary="skipped", idle=True), 0.0)
    screen.finished("Hand off", reports.failed(), 0.1)
    screen.finished("Nothing to show", None, 0.1)
    screen.failed("Connect", RuntimeError("nobody answers"), 3.0)
    lines = [re.sub(r"\d\d:\d\d:\d\d", "at", line) for line in output.getvalue().splitlines()]
    assert lines == [
        "✓ at Apply a.sql (12 ms)",
        "✗ at Apply b.sql (1.3 s)",
        "    b.sql:3:1 42P01",
        "· at Apply c.sql (0 ms)",
        "✓ at Hand off (0.1 s)",
        "✓ at Nothing to show (0.1 s)",
        "✗ at Connect (3.0 s)",
        "    nobody answers",
    ]


def test_running_step_is_shown_only_where_it_can_be_taken_back() -> None:
    terminal, pipe = Terminal(), Utf8()
    for output in (terminal, pipe):
        screen = Screen(output)
        screen.started("Apply a.sql")
        screen.finished("Apply a.sql", Evidence(ok=True, summary="applied"), 0.01)
    assert "… Apply a.sql\r\x1b[K" in terminal.getvalue()
    assert pipe.getvalue().count("Apply a.sql") == 1
