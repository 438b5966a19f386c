"""A configured command: judged by its exit code, limited in time and output, and gone with all it started."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from ops import commands, errors, project, secrets
from tests.polling import wait_until

LONG = timedelta(seconds=60)


def run(command: str, cwd: Path, timeout: timedelta = LONG, **variables: str) -> commands.Ended:
    return commands.run(command, cwd=cwd, timeout=timeout, key="[deploy] tests", variables=variables)


def python(code: str) -> str:
    return f"{sys.executable} -c '{code}'"


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(("code", "ok"), [(0, True), (1, False), (5, False)])
def test_the_exit_code_is_the_verdict(tmp_path: Path, code: int, ok: bool):
    ended = run(python(f'print("the end"); raise SystemExit({code})'), tmp_path)
    assert (ended.code, ended.ok, ended.last_line) == (code, ok, "the end")


def test_it_runs_in_the_folder_and_without_a_shell(tmp_path: Path):
    ended = run(
        python("import os, sys; print(os.getcwd(), sys.argv[1:])") + " $HOME ; echo > there", tmp_path
    )
    assert ended.last_line == f"{tmp_path} ['$HOME', ';', 'echo', '>', 'there']"
    assert list(tmp_path.iterdir()) == []


def test_a_script_of_the_project_is_found_in_the_project(tmp_path: Path):
    script = tmp_path / "check.sh"
    script.write_text("#!/bin/sh\necho here\n")
    with pytest.raises(
        errors.Refused, match=r"'\./check\.sh' of \[deploy\] tests is not there \(in the project\)"
    ):
        run("./check.sh", tmp_path)
    script.chmod(0o755)
    assert run("./check.sh", tmp_path).last_line == "here"


def test_a_command_that_is_not_there_is_refused_by_name(tmp_path: Path):
    with pytest.raises(
        errors.Refused, match=r"'no-such-program' of \[deploy\] tests is not there \(in PATH\)"
    ):
        run("no-such-program -q", tmp_path)


@pytest.mark.parametrize("command", ["", "'open"])
def test_what_is_no_command_is_refused(tmp_path: Path, command: str):
    with pytest.raises(errors.Refused, match=r"\[deploy\] tests"):
        run(command, tmp_path)


def test_when_its_time_is_up_all_it_started_is_ended(tmp_path: Path):
    code = (
        "import os, signal, subprocess, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        'child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]);'
        'open("pids", "w").write(f"{os.getpid()} {child.pid}"); print("begun", flush=True); signal.pause()'
    )
    ended = run(python(code), tmp_path, timedelta(seconds=2))
    assert (ended.code, ended.ok, ended.last_line) == (None, False, "begun")
    assert "was stopped" in ended.said
    for pid in (tmp_path / "pids").read_text().split():
        wait_until(lambda pid=int(pid): gone(pid))


def test_what_it_left_in_the_background_does_not_hold_us(tmp_path: Path):
    code = (
        'import subprocess, sys; child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]);'
        'open("pid", "w").write(str(child.pid)); print("done")'
    )
    ended = run(python(code), tmp_path)
    assert (ended.code, ended.last_line) == (0, "done")
    wait_until(lambda: gone(int((tmp_path / "pid").read_text())))


def test_of_a_long_output_the_middle_is_left_out(tmp_path: Path):
    ended = run(python('print("first"); print("x" * 10_000_000); print("last")'), tmp_path)
    assert ended.output.startswith("first\n")
    assert ended.output.endswith("last\n")
    assert "bytes left out" in ended.output
    assert len(ended.output) <= commands.HEAD + commands.TAIL + 100


def test_secrets_are_not_in_the_output_nor_ours_in_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    secrets.remember("open-sesame-42")
    monkeypatch.setenv("PREFECT_API_KEY", "of the server")
    monkeypatch.setenv("RUNBOOKS_AUDIT_KEY", "of the log")
    monkeypatch.setenv("APP_FLAG", "of the app")
    ended = run(
        python('import os; print(sorted(os.environ)); print("open-sesame-42")'), tmp_path, MORE="more"
    )
    assert "open-sesame-42" not in ended.output
    assert "APP_FLAG" in ended.output
    assert "MORE" in ended.output
    assert "PREFECT_API_KEY" not in ended.output
    assert "RUNBOOKS_AUDIT_KEY" not in ended.output
    assert os.environ["PREFECT_API_KEY"] == "of the server"


def test_what_proves_who_decided_is_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PEOPLE", "a-fake-store-of-seeds")
    (tmp_path / "runbooks.toml").write_text('[environments.production]\napprovers = "env:PEOPLE"\n')
    hidden = project.load(tmp_path).private_variables
    assert hidden == {"PEOPLE"}
    for without, said in ((hidden, "None"), (frozenset[str](), "a-fake-store")):
        shown = "python3 -c 'import os; print(os.environ.get(\"PEOPLE\"))'"
        ended = commands.run(shown, cwd=tmp_path, timeout=timedelta(seconds=30), key="key", hidden=without)
        assert said in ended.output
