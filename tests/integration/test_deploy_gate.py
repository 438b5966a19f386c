"""The deploy gate in a terminal: two phases, one record, and the evidence without which it has not passed."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Generator, Mapping
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest
import rich.prompt

from flows.deploy_gate import deploy_gate
from ops import ai_path, deploy_steps, deploys, embedded, errors, manifest
from ops.deploy_choices import GateChoices, Part, Phase
from ops.deploy_gated import Gated, part
from ops.deploy_verdict import Checklist, DeployGate, Found
from ops.verdict import Verdict
from tasks import checklist
from tasks import deploy as step
from tasks.step import Step
from tests import fix_app, fix_command, fix_http, fix_listening, fix_pgbouncer
from tests.polling import wait_until

TESTS = """tests = "python3 -c 'print(1)'"\n"""


@pytest.fixture
def app(shaped: str, tmp_path: Path) -> Path:
    """An app with all that its gate needs, committed and pushed."""
    fix_app.execute(shaped, fix_app.TABLES)
    project = fix_app.write(tmp_path, shaped, deploy=TESTS)
    declared = fix_command.run(
        "schema", "declare", "env:APP", "--out", project / "supabase" / "schema.toml", APP=shaped
    )
    assert declared.returncode == 0, declared.stderr
    fix_app.commit(project)
    return project


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody confirms the checklist."""

    def ask(gate: Gated) -> Found:
        gate.checklist = Checklist(status="confirmed", by="ada", said="all three done")
        return step.record_checklist(gate)

    monkeypatch.setattr(checklist, "ask_checklist", ask)


def run(project: Path, phase: Phase = Phase.PRE, deploy: str = "d1", **choices: Any) -> DeployGate:
    try:
        return deploy_gate.fn(str(project), "production", phase, deploy, GateChoices(**choices))
    except errors.OpsError as error:
        if isinstance(error.evidence, DeployGate):
            return error.evidence
        raise


def command(project: Path, *words: str, **variables: str) -> tuple[int, Mapping[str, Any], str]:
    done = fix_command.run(
        "deploy-gate", project, "--environment", "production", *words, "--json", "-", **variables
    )
    return done.returncode, json.loads(done.stdout), done.stderr


def test_both_phases_pass_and_are_one_record(app: Path, answered: None, shaped: str):
    before = run(app)
    assert before.verdict is Verdict.PASSED, before.summary
    fix_app.execute(shaped, fix_app.ROWS)
    after = run(app, Phase.POST)
    assert after.verdict is Verdict.PASSED, after.summary
    assert [(each.what, each.present) for each in after.required] == [
        ("git commit", True),
        ("schema check", True),
        ("smoke", True),
        ("manual checklist", True),
        ("integrity_post.json", True),
    ]
    assert after.bundle
    bundle = Path(after.bundle)
    assert manifest.verify(bundle).ok
    assert json.loads((bundle / "data/integrity_post.json").read_text())["findings"] == []
    record = json.loads((app / "artifacts/ops/deploys/production/d1.json").read_text())
    assert (record["pre"]["verdict"], record["post"]["verdict"]) == ("passed", "passed")
    assert record["commit"] == fix_app.git(app, "rev-parse", "HEAD")
    assert record["post"]["checklist"] == {"status": "confirmed", "said": "all three done", "by": "ada"}
    assert run(app, Phase.POST).verdict is Verdict.PASSED


LOSSES = {
    "git commit": (Part.COMMIT, None),
    "schema check": (Part.SCHEMA, "check_schema"),
    "smoke": (Part.SMOKE, "check_smoke"),
    "integrity_post.json": (Part.INTEGRITY, "check_integrity"),
}


@pytest.mark.parametrize("lost", LOSSES)
def test_without_one_piece_of_evidence_it_has_not_passed_whatever_the_steps_say(
    app: Path, answered: None, monkeypatch: pytest.MonkeyPatch, lost: str, shaped: str
):
    assert run(app).verdict is Verdict.PASSED
    fix_app.execute(shaped, fix_app.ROWS)
    which, name = LOSSES[lost]

    @part(which)
    def nothing(gate: Gated) -> Found:
        """See nothing wrong, and leave no evidence."""
        gate.commit = None if which is Part.COMMIT else gate.commit
        return Found(ok=True, checked=False, summary="Nothing to see.")

    where: Step[Any, Any] = getattr(step, name or "check_commit")
    monkeypatch.setattr(where, "operation", nothing)
    found = run(app, Phase.POST)
    assert found.verdict is Verdict.FAILED
    assert all(check.status != "failed" for check in found.checks)
    assert [each.what for each in found.required if not each.present] == [lost]
    assert f"required evidence is missing: {lost}" in found.summary


def test_a_checklist_that_nobody_was_asked_is_missing_evidence(
    app: Path, answered: None, monkeypatch: pytest.MonkeyPatch
):
    assert run(app).verdict is Verdict.PASSED
    monkeypatch.setattr(checklist, "ask_checklist", step.record_checklist)
    found = run(app, Phase.POST)
    assert "required evidence is missing: manual checklist (not asked)" in found.summary
    assert "By hand: Create one stream log." in found.next_steps


def test_after_a_deploy_without_a_baseline_it_is_refused(app: Path):
    code, found, _ = command(app, "--phase", "post", "--deploy", "never-seen")
    assert (code, found["verdict"]) == (2, "refused")
    assert "There is no baseline of the deploy 'never-seen'" in found["summary"]


def test_deployed_though_the_gate_had_said_no_it_has_not_passed(app: Path, answered: None):
    (app / "new.py").write_text("")
    assert run(app).verdict is Verdict.FAILED
    found = run(app, Phase.POST)
    assert "the phase before the deploy is failed, and it was deployed all the same" in found.summary


def test_another_commit_than_was_looked_at_has_not_passed(app: Path, answered: None):
    assert run(app).verdict is Verdict.PASSED
    fix_app.git(
        app, "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "--allow-empty", "-qm", "B"
    )
    found = run(app, Phase.POST)
    assert "what was tested is not what runs" in found.summary


def test_the_baseline_of_a_deploy_that_has_happened_stands(app: Path, answered: None):
    run(app)
    run(app, Phase.POST)
    found = run(app)
    assert found.verdict is Verdict.REFUSED
    assert "its baseline stands" in found.summary
    record = json.loads((app / "artifacts/ops/deploys/production/d1.json").read_text())
    assert record["pre"]["verdict"] == "passed"


def test_a_gate_that_breaks_off_leaves_what_was_found_before(
    app: Path, answered: None, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    recorded = "select baseline, pre from runbooks.deploys"
    run(app)
    before = fix_app.ask(shaped, recorded)
    fix_app.execute(shaped, fix_app.ROWS)

    def lost(gate: Gated) -> Found:
        raise errors.CheckFailed("Something gave way.")

    for broken in (step.check_smoke, step.hand_off_gate):
        with monkeypatch.context() as patched:
            patched.setattr(broken, "operation", lost)
            found = run(app)
        assert (found.verdict, found.error) == (Verdict.FAILED, "Something gave way.")
        assert fix_app.ask(shaped, recorded) == before
    assert run(app, Phase.POST).verdict is Verdict.PASSED


def test_a_deploy_that_was_rolled_back_has_not_passed(
    app: Path, answered: None, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    run(app)
    fix_app.execute(shaped, fix_app.ROWS)

    def roll_back(gate: Gated) -> Found:
        deploys.record_rollback(
            gate.connection, "production", "d1", project="app", at=None, rollback={"reason": "it crashed"}
        )
        gate.checklist = Checklist(status="confirmed")
        return step.record_checklist(gate)

    with monkeypatch.context() as patched:
        patched.setattr(checklist, "ask_checklist", roll_back)
        meanwhile = run(app, Phase.POST)
    for found in (meanwhile, run(app, Phase.POST)):
        assert found.verdict is Verdict.REFUSED
        assert "is not what runs: the app was rolled back from it at" in found.summary
        assert "(it crashed)" in found.summary
    assert fix_app.ask(shaped, "select deployed_at, post from runbooks.deploys") == [(None, None)]


def test_times_are_recorded_as_they_are_given(app: Path, answered: None):
    run(app)
    run(app, Phase.POST, deployed_at="2026-01-31T18:00:00Z", restarted_at="2026-01-31T18:05:00+00:00")
    record = json.loads((app / "artifacts/ops/deploys/production/d1.json").read_text())
    assert record["deployed_at"] == "2026-01-31T18:00:00Z"
    assert record["restarted_at"] == "2026-01-31T18:05:00Z"


BREAKS = {
    "tests": ("--only", "tests", "exit code 3", """tests = "python3 -c 'raise SystemExit(3)'"\n"""),
    "no such command": (
        "--only",
        "tests",
        "'no-such' of [deploy] tests (runbooks.toml:2) is not there",
        'tests = "no-such"\n',
    ),
    "setting": ("--only", "auth", "setting MISSING", 'secrets = ["MISSING"]\n'),
    "table": ("--only", "auth,smoke", "table ghosts: does not exist", 'tables = ["ghosts"]\n'),
    "ai key": ("--only", "smoke", "AI_KEY is in neither", 'ai_key = "AI_KEY"\n'),
    "ai path": (
        "--only",
        "smoke",
        "A log is not stored when the AI call fails",
        'ai_key = "HOME"\nai_check = "false"\n',
    ),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_each_part_is_callable_alone_and_sees_what_is_wrong(app: Path, broken: str):
    *words, said, deploy = BREAKS[broken]
    code, found, _ = command(app, *words)
    assert (code, found["partial"]) == (0, True), found["summary"]
    config = (app / "runbooks.toml").read_text()
    for line in deploy.splitlines():
        key = line.partition(" ")[0]
        config = "\n".join(each for each in config.splitlines() if not each.startswith(f"{key} "))
        config = config.replace("[deploy]", f"[deploy]\n{line}")
    (app / "runbooks.toml").write_text(config)
    code, found, shown = command(app, *words)
    assert code == (2 if broken == "no such command" else 1)
    assert said in found["summary"]
    assert said in " ".join(shown.split())
    assert fix_app.ask((app.parent / "app.dsn").read_text(), "select to_regclass('runbooks.deploys')") == [
        (None,)
    ]


def test_the_ai_check_runs_with_a_key_that_nobody_takes(app: Path, tmp_path: Path):
    code = 'import os, sys; sys.exit(os.environ[\\"AI_KEY\\"] == \\"the-real-key\\")'
    deploy = f'ai_key = "AI_KEY"\nai_check = "python3 -c \'{code}\'"'
    fix_app.write(tmp_path, (tmp_path / "app.dsn").read_text(), deploy=deploy)
    code, found, _ = command(app, "--only", "smoke", AI_KEY="the-real-key")
    assert code == 0, found["summary"]
    assert "a log is stored when the AI call fails" in found["checks"][0]["summary"]


LEAVES = """\
import sys, psycopg
with psycopg.connect(open(sys.argv[1]).read()) as connection:
    connection.execute("insert into public.logs (body, kind, mood) values ('ai', 'note', 'calm')")
"""


def test_what_the_gate_itself_leaves_is_no_growth(app: Path, answered: None, shaped: str, tmp_path: Path):
    (tmp_path / "leaves.py").write_text(LEAVES)
    check = f'ai_check = "{sys.executable} {tmp_path}/leaves.py {tmp_path}/app.dsn"\n'
    fix_app.write(tmp_path, shaped, deploy=f"{TESTS}{check}")
    fix_app.commit(app, pushed=False)
    fix_app.git(app, "push", "-q", "origin", "main")
    assert run(app).verdict is Verdict.PASSED
    for rows in (2, 3):
        found = run(app, Phase.POST)
        assert f"public.logs went from {rows} to {rows} rows, expected up" in found.summary
        assert any("has left a trace: 1 row in public.logs" in each for each in found.findings)
    run(app, Phase.POST, only=(Part.SMOKE,))
    assert run(app, Phase.POST).verdict is Verdict.FAILED
    fix_app.execute(shaped, fix_app.ROWS)
    assert run(app, Phase.POST).verdict is Verdict.PASSED


def test_a_watched_table_that_the_deploy_makes_is_counted_from_none(app: Path, answered: None, shaped: str):
    with (app / "runbooks.toml").open("a") as config:
        config.write('[integrity.growth]\norders = "up"\nlogs = "any"\nchat_history = "any"\n')
    fix_app.commit(app, pushed=False)
    fix_app.git(app, "push", "-q", "origin", "main")
    before = run(app)
    assert before.verdict is Verdict.PASSED, before.summary
    assert any("names orders, which is not there" in each for each in before.findings)
    missing = run(app, Phase.POST)
    assert missing.verdict is Verdict.REFUSED
    assert fix_app.ask(shaped, "select deployed_at from runbooks.deploys") == [(None,)]
    fix_app.execute(shaped, "create table public.orders (id int primary key); insert into orders values (1)")
    after = run(app, Phase.POST)
    assert after.verdict is Verdict.PASSED, after.summary
    (grown,) = [check.summary for check in after.checks if check.part is Part.GROWTH]
    assert "Not there before the deploy, so counted from none: public.orders" in grown


@pytest.mark.parametrize(
    ("key", "lines"),
    [
        ("integrity.keys", '[integrity.keys]\nlogs = ["body"]\nlogz = ["id"]\n'),
        ("integrity.keys.logs", '[integrity.keys]\nconnections = ["id"]\nlogs = ["bodi"]\n'),
        ("integrity.required", '[integrity.required]\npeople = ["email"]\nlogz = ["body"]\n'),
    ],
)
def test_a_mistake_that_only_the_database_shows_has_its_line_and_the_nearest(app: Path, key: str, lines: str):
    path = app / "runbooks.toml"
    path.write_text(f"{path.read_text()}{lines}")
    wrong = len(path.read_text().splitlines())
    found = run(app, only=(Part.INTEGRITY,))
    assert found.verdict is Verdict.REFUSED
    assert f"runbooks.toml:{wrong}: {key}" in found.summary, found.summary
    assert "nearest" in found.summary


def test_a_deploy_that_is_refused_may_be_begun_anew(app: Path, answered: None, shaped: str):
    assert run(app).verdict is Verdict.PASSED
    fix_app.execute(shaped, "update runbooks.deploys set baseline = baseline #- '{counts,public.logs}'")
    assert "no baseline of public.logs" in run(app, Phase.POST).summary
    assert run(app).verdict is Verdict.PASSED


def test_what_is_not_declared_of_the_ai_path_is_said_as_not_checked(app: Path, tmp_path: Path):
    fix_app.write(tmp_path, (tmp_path / "app.dsn").read_text(), deploy='ai_key = "AI_KEY"')
    _, found, _ = command(app, "--only", "smoke", AI_KEY="the-real-key")
    assert "whether a log is stored when the AI call fails is not checked" in found["checks"][0]["summary"]
    assert "the-real-key" not in json.dumps(found)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--deploy", "d 1"), "'d 1' is no id of a deploy"),
        (("--deploy", "../d1"), "is no id of a deploy"),
        ((), "is no id of a deploy"),
        (("--deploy", "d1", "--commit", "nope"), "'nope' is no commit"),
        (("--deploy", "d1", "--deployed", "noon"), "'noon' is no time"),
    ],
)
def test_a_mistake_of_the_operator_is_refused(app: Path, words: tuple[str, ...], said: str):
    code, found, _ = command(app, *words)
    assert code == 2
    assert said in found["summary"]


def test_a_part_that_there_is_not_is_refused_with_the_nearest(app: Path):
    done = fix_command.run("deploy-gate", app, "--environment", "production", "--only", "shema")
    assert done.returncode == 2
    assert "Did you mean 'schema'?" in done.stderr


def test_a_database_that_does_not_answer_is_unavailable(app: Path):
    (app.parent / "app.dsn").write_text("postgresql://postgres@127.0.0.1:9/postgres?sslmode=disable")
    (found,) = [run(app, only=(Part.COMMIT,))]
    assert found.verdict is Verdict.PASSED
    code, refused, _ = command(app, "--only", "smoke", PGCONNECT_TIMEOUT="2")
    assert (code, refused["verdict"]) == (3, "unavailable")


@pytest.mark.parametrize("alone", [(), ("--only", "tests")], ids=["all", "tests alone"])
def test_no_output_of_a_whole_run_has_a_secret(
    listening: embedded.Server, no_defaults: None, tmp_path: Path, alone: tuple[str, ...]
):
    dsn = fix_listening.address(listening)
    prints = 'tests = "python3 -c \'import os; print(os.environ)\'"\nai_key = "AI_KEY"'
    project = fix_app.write(tmp_path, dsn, deploy=prints)
    (project / ".streamlit").mkdir()
    (project / ".streamlit" / "secrets.toml").write_text('[app]\nsession_token = "sesame-of-the-app"\n')
    done = fix_command.run(
        *("deploy-gate", project, "--environment", "production", "--deploy", "d1", "--json", "-", *alone),
        AI_KEY="sesame-of-the-ai", COPY=dsn, SESSION="sesame-of-the-app", SUPABASE_SERVICE_KEY="sesame-of-the-api",
    )  # fmt: skip
    assert json.loads(done.stdout)["checks"], done.stderr
    written = [
        path.read_bytes().decode("utf-8", "replace")
        for path in tmp_path.glob("app/artifacts/**/*")
        if path.is_file()
    ]
    logs = [text for text in written if "AI_KEY" in text]
    assert logs
    for text in (done.stdout, done.stderr, *written):
        assert "sesame" not in text
        assert fix_pgbouncer.PASSWORD not in text


def test_a_wrong_key_is_named_with_its_line_and_the_nearest_right_one(app: Path):
    (app / "runbooks.toml").write_text("[deploy]\ntest = 'x'\n[environments.production]\n")
    code, found, _ = command(app, "--only", "auth")
    assert code == 2
    assert "runbooks.toml:2: deploy.test: " in found["summary"]
    assert "nearest key is 'tests'" in found["summary"]


def test_the_output_of_the_tests_is_kept_in_the_bundle(app: Path, answered: None):
    found = run(app)
    assert found.bundle
    log = (Path(found.bundle) / deploy_steps.TESTS_LOG).read_text()
    assert log.startswith("$ python3 -c 'print(1)'\n1\n")


def test_tables_that_do_not_grow_have_not_passed(app: Path, answered: None, shaped: str):
    run(app)
    found = run(app, Phase.POST)
    assert "public.logs went from 0 to 0 rows, expected up" in found.summary
    fix_app.execute(shaped, fix_app.ROWS)
    assert run(app, Phase.POST).verdict is Verdict.PASSED


def test_rows_that_are_not_sound_hold_the_deploy(app: Path, answered: None, shaped: str):
    fix_app.execute(shaped, fix_app.ROWS)
    fix_app.execute(
        shaped,
        "insert into public.logs (body, kind, mood, created_at) values ('x', 'note', 'calm', '2199-01-01')",
    )
    found = run(app)
    assert found.verdict is Verdict.FAILED
    assert "integrity: " in found.summary
    assert any("created_at" in step for step in found.next_steps)
    fix_app.execute(shaped, "delete from public.logs where created_at > '2100-01-01'")
    assert run(app).verdict is Verdict.PASSED


def test_tests_that_run_too_long_are_ended_with_all_that_they_started(app: Path, tmp_path: Path, shaped: str):
    pids = tmp_path / "pids"
    (tmp_path / "hangs.py").write_text(HANGS)
    tests = f'tests = "{sys.executable} {tmp_path}/hangs.py {pids}"\ntests_timeout = 1\n'
    fix_app.write(tmp_path, shaped, deploy=tests)
    code, found, _ = command(app, "--only", "tests")
    assert (code, found["verdict"]) == (1, "failed")
    assert "hangs.py" in found["summary"]
    assert "was stopped after" in found["summary"]
    assert "testing 1 of 2" in found["summary"], "the last that they said"
    log = (Path(found["bundle"]) / deploy_steps.TESTS_LOG).read_text()
    assert "was stopped after" in log
    started = [int(pid) for pid in pids.read_text().split()]
    assert len(started) == 2
    wait_until(lambda: not any(alive(pid) for pid in started))


HANGS = """\
import os, signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
with open(sys.argv[1], "w") as file:
    file.write(f"{os.getpid()} {child.pid}")
print("testing 1 of 2", flush=True)
signal.pause()
"""


def alive(pid: int) -> bool:
    """Whether a process is there, and not only its entry for a parent that has not asked."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class App(BaseHTTPRequestHandler):
    """The app as its gate asks it: each path answers in its own way."""

    asked: ClassVar[list[str]] = []
    hanging: ClassVar[threading.Event] = threading.Event()

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/hangs":
            self.hanging.wait()
            return
        self.send_response({"/good": 204, "/moved": 302, "/broken": 503}.get(self.path, 404))
        self.send_header("Location", "/good")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def site() -> Generator[str]:
    App.asked.clear()
    App.hanging.clear()
    with fix_http.serving(App) as address:
        yield address
        App.hanging.set()


@pytest.mark.parametrize("path", ["/good", "/moved"])
def test_an_app_that_answers_is_healthy_and_stores_a_log_without_its_ai(
    app: Path, tmp_path: Path, shaped: str, site: str, path: str
):
    urls = f'health_url = "{site}{path}"\nai_url = "{site}{path}"'
    fix_app.write(tmp_path, shaped, deploy='ai_key = "HOME"', environment=urls)
    found = run(app, only=(Part.SMOKE,))
    assert found.verdict is Verdict.PASSED, found.summary
    assert "a log is stored when the AI call fails; the app is healthy" in found.checks[0].summary
    assert App.asked.count("/good") == 2
    assert not any("not checked" in finding for finding in found.findings)


ANSWERS = {
    "/broken": "503 Service Unavailable",
    "/nowhere": "404 Not Found",
    "/hangs": "none (ReadTimeout)",
    "": "none (ConnectError)",
}


@pytest.mark.parametrize("key", ["health_url", "ai_url"])
@pytest.mark.parametrize("path", ANSWERS)
def test_an_app_that_answers_with_an_error_or_not_in_time_has_not_passed(
    app: Path, tmp_path: Path, shaped: str, site: str, monkeypatch: pytest.MonkeyPatch, path: str, key: str
):
    monkeypatch.setattr(ai_path, "_ANSWERS_WITHIN", timedelta(seconds=0.5))
    url = f"{site}{path}" if path else "http://127.0.0.1:9/"
    fix_app.write(tmp_path, shaped, deploy='ai_key = "HOME"', environment=f'{key} = "{url}"')
    found = run(app, only=(Part.SMOKE,))
    assert found.verdict is Verdict.FAILED
    said, todo = {
        "health_url": ("The app does not say that it is healthy", "check DATABASE_URL, then DATASTORE"),
        "ai_url": ("A log is not stored when the AI call fails: the app's answer is", "saves the log before"),
    }[key]
    assert said in found.summary
    assert ANSWERS[path] in found.summary
    assert any(todo in step for step in found.next_steps)


def test_growth_alone_is_looked_at_and_nothing_is_recorded(app: Path, answered: None, shaped: str):
    words = ("--phase", "post", "--deploy", "d1", "--only", "growth")
    code, found, _ = command(app, *words)
    assert (code, found["verdict"]) == (2, "refused")
    assert "There is no baseline of the deploy 'd1'" in found["summary"]
    assert run(app).verdict is Verdict.PASSED
    recorded = fix_app.ask(shaped, "select * from runbooks.deploys")
    code, found, _ = command(app, *words)
    assert (code, found["verdict"], found["partial"]) == (1, "failed", True)
    assert "public.logs went from 0 to 0 rows, expected up" in found["summary"]
    fix_app.execute(shaped, fix_app.ROWS)
    code, found, _ = command(app, *words)
    assert (code, found["verdict"], found["partial"]) == (0, "passed", True), found["summary"]
    assert [check["part"] for check in found["checks"]] == ["growth"]
    assert fix_app.ask(shaped, "select * from runbooks.deploys") == recorded


@pytest.mark.parametrize(
    ("decision", "verdict", "said"),
    [
        ("approve", Verdict.PASSED, "is confirmed by ada: all but the kanban card"),
        ("reject", Verdict.FAILED, "is rejected: checklist on production was rejected by ada: all but"),
    ],
)
def test_the_checklist_alone_is_asked_at_the_terminal(
    app: Path, monkeypatch: pytest.MonkeyPatch, shaped: str, decision: str, verdict: Verdict, said: str
):
    typed = iter((decision, "ada", "all but the kanban card"))
    asked: list[str] = []

    def ask(question: str, **_: Any) -> str:
        asked.append(question)
        return next(typed)

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(rich.prompt.Prompt, "ask", ask)
    found = run(app, Phase.POST, only=(Part.CHECKLIST,))
    assert (found.verdict, found.partial) == (verdict, True)
    assert "- Create one stream log." in asked[0]
    assert said in found.checks[0].summary
    assert [check.part for check in found.checks] == [Part.CHECKLIST]
    assert fix_app.ask(shaped, "select to_regclass('runbooks.deploys')") == [(None,)]


def test_the_checklist_alone_without_a_terminal_has_not_passed(app: Path):
    code, found, shown = command(app, "--phase", "post", "--only", "checklist")
    assert (code, found["verdict"]) == (1, "failed")
    assert "there is nobody who could be asked here" in found["summary"]
    assert "By hand: Create one stream log." in found["next_steps"]
    assert "not asked" in shown
