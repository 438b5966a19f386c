"""`runbooks rehearse` and `runbooks evidence verify` as other tools call them: exit codes, JSON, streams."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cli import rehearse, schema
from flows.staging_rehearsal import staging_rehearsal
from ops import database, manifest, marker, secrets
from ops.choices import Choices
from tests import fix_command, fix_pgbouncer, polling, projects

PUBLISHED: dict[str, Any] = json.loads(schema.FILE.read_text(encoding="utf-8"))


def read(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text(encoding="utf-8"))
    validator: Any = jsonschema.Draft202012Validator(PUBLISHED)
    validator.validate(found)
    return found


def rehearsed(
    project: Path, folder: Path, *more: str, **variables: str
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    result = folder / "result.json"
    done = fix_command.run("rehearse", project, "--json", result, "--out", folder, *more, **variables)
    return done, read(result)


def test_sound_project_passes(tmp_path: Path) -> None:
    done, found = rehearsed(projects.sound(tmp_path / "shop"), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (found["verdict"], found["project"], found["error"]) == ("passed", "shop", None)
    assert {each["status"] for each in found["migrations"]} == {"applied"}
    assert {each["rollback"]["status"] for each in found["migrations"]} == {"proven"}
    assert [(each["passed"], each["failed"]) for each in found["contract"]["files"]] == [(2, 0), (2, 0)]
    assert "pgtap" in found["base"]["stand_ins"]
    bundle = Path(found["bundle"])
    assert bundle.is_relative_to(tmp_path / "artifacts" / "ops")
    assert manifest.verify(bundle).ok
    assert read(bundle / "rehearsal.json") == found
    assert "PASSED" in done.stdout
    assert str(manifest.digest(bundle)) in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (projects.failing_contract, "public.notes is forced: ok is false"),
        (projects.uncovered_table, "public.open_door has row level security off"),
        (projects.failing_migration, '42P01 relation "public.labels" does not exist'),
    ],
)
def test_what_is_wrong_ends_with_one(tmp_path: Path, spoil: Any, says: str) -> None:
    done, found = rehearsed(spoil(tmp_path / "shop"), tmp_path)
    assert done.returncode == 1
    assert found["verdict"] == "failed"
    assert says in " ".join(done.stdout.split())
    assert manifest.verify(Path(found["bundle"])).ok


def test_refused_file_ends_with_two_and_a_bundle(tmp_path: Path) -> None:
    done, found = rehearsed(projects.refused_file(tmp_path / "shop"), tmp_path)
    assert done.returncode == 2
    assert found["verdict"] == "refused"
    statuses = {each["file"].rpartition("_")[2]: each["status"] for each in found["migrations"]}
    assert statuses == {"notes.sql": "skipped", "tags.sql": "refused"}
    assert manifest.verify(Path(found["bundle"])).ok


def test_no_project_is_refused_on_standard_error(tmp_path: Path) -> None:
    done, found = rehearsed(tmp_path / "nowhere", tmp_path)
    assert done.returncode == 2
    assert (found["verdict"], found["bundle"]) == ("refused", None)
    assert "is not a folder" in found["error"]["message"]
    assert "is not a folder" in " ".join(done.stderr.split())
    assert "REFUSED" not in done.stdout


def test_database_out_of_reach_ends_with_three(tmp_path: Path) -> None:
    port = fix_pgbouncer.free_port()
    done, found = rehearsed(
        projects.plain(tmp_path / "shop"),
        tmp_path,
        "--database",
        "env:A_DSN",
        A_DSN=f"postgresql://postgres:hunter2hunter2@127.0.0.1:{port}/postgres?connect_timeout=2",
    )
    assert done.returncode == 3
    assert found["verdict"] == "unavailable"
    assert "hunter2" not in done.stdout + done.stderr + json.dumps(found)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("rehearse",),
        ("rehearse", ".", "--nonsense"),
        ("rehearse", ".", "--json"),
        ("nonsense",),
        ("evidence", "verify"),
        ("compare", "env:ONLY_ONE"),
    ],
)
def test_mistakes_of_usage_end_with_two(words: tuple[str, ...]) -> None:
    done = fix_command.run(*words)
    assert done.returncode == 2
    assert done.stderr or not words


@pytest.mark.parametrize(
    "reference", ["postgresql://u:hunter2hunter2@h/d", "env:NOT_SET_ANYWHERE", "vault:x"]
)
def test_secret_that_cannot_be_opened_ends_with_two(tmp_path: Path, reference: str) -> None:
    done, found = rehearsed(projects.plain(tmp_path / "shop"), tmp_path, "--database", reference)
    assert done.returncode == 2
    assert found["verdict"] == "refused"
    assert "hunter2" not in done.stdout + done.stderr + json.dumps(found)


def test_json_on_standard_output_stands_alone(tmp_path: Path) -> None:
    done = fix_command.run("rehearse", tmp_path / "nowhere", "--json", "-")
    assert done.returncode == 2
    assert json.loads(done.stdout)["verdict"] == "refused"


@pytest.mark.parametrize("name", ["absent/result.json", "."])
def test_json_that_cannot_be_written_is_refused_before_anything_runs(tmp_path: Path, name: str) -> None:
    projects.plain(tmp_path / "shop")
    done = fix_command.run("rehearse", tmp_path / "shop", "--json", tmp_path / name)
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be written" in done.stderr
    assert not (tmp_path / "shop" / "artifacts").exists()


def test_missing_contract_of_a_configured_project_fails(tmp_path: Path) -> None:
    project = projects.sound(tmp_path / "shop")
    (project / "supabase" / "rls_tests.sql").unlink()
    (project / "runbooks.toml").write_text('[project]\nname = "shop"\n', encoding="utf-8")
    done, found = rehearsed(project, tmp_path)
    assert done.returncode == 1
    assert "no contract file supabase/rls_tests.sql" in found["contract"]["missing"]
    assert "no contract file supabase/rls_tests.sql" in " ".join(done.stdout.split())
    assert len(found["contract"]["files"]) == 1


def test_missing_contract_of_a_plain_project_is_a_finding(tmp_path: Path) -> None:
    done, found = rehearsed(projects.plain(tmp_path / "shop"), tmp_path)
    assert done.returncode == 0
    assert found["contract"]["missing"] is None
    assert any("no contract file supabase/rls_tests.sql" in finding for finding in found["findings"])


def test_defect_of_our_own_is_never_a_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets.remember("hunter2hunter2")

    def broken(*_words: object) -> None:
        raise RuntimeError("hunter2hunter2 is not a number")

    monkeypatch.setattr(staging_rehearsal, "fn", broken)
    code = rehearse.rehearse(tmp_path, "throw-away", Choices(), json_file=tmp_path / "result.json")
    said = capsys.readouterr()
    assert code == 3
    found = read(tmp_path / "result.json")
    assert found["verdict"] == "unavailable"
    assert "a defect of its own, RuntimeError" in found["summary"]
    assert "Traceback" in said.err
    assert "hunter2" not in said.out + said.err + json.dumps(found)


def test_database_is_marked(shaped: str) -> None:
    done = fix_command.run("mark", "env:A_DSN", "--environment", "staging", A_DSN=shaped)
    assert (done.returncode, done.stderr) == (0, "")
    assert "it is 'staging' and may be rehearsed on" in done.stdout
    with database.connect(shaped) as connection:
        assert marker.read(connection).environment == "staging"


@pytest.mark.parametrize(
    ("dsn", "code"),
    [("", 2), ("postgresql://postgres:hunter2hunter2@127.0.0.1:1/postgres?connect_timeout=2", 3)],
    ids=["empty", "out of reach"],
)
def test_database_that_cannot_be_marked(dsn: str, code: int) -> None:
    done = fix_command.run("mark", "env:A_DSN", "--environment", "staging", A_DSN=dsn)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr


def test_killed_rehearsal_leaves_a_bundle_that_is_not_sealed(tmp_path: Path) -> None:
    project = projects.generated(tmp_path / "shop", count=100)
    result = tmp_path / "result.json"
    process = fix_command.start("rehearse", project, "--json", result, "--out", tmp_path)
    try:
        polling.wait_until(lambda: b"Apply" in attempts(tmp_path), seconds=60)
    finally:
        process.kill()
        process.communicate()
    (bundle,) = (tmp_path / "artifacts" / "ops").glob("2*/rehearsal_*")
    done = fix_command.run("evidence", "verify", bundle)
    assert done.returncode == 1
    assert "not sealed: the run did not end" in done.stdout
    assert not result.exists()
    lines = attempts(tmp_path).decode().splitlines()
    assert json.loads(lines[0])["event"] == "started"
    assert all(json.loads(line)["step"] for line in lines)


def attempts(folder: Path) -> bytes:
    found = (folder / "artifacts" / "ops").glob("2*/*/mcp_attempt1.jsonl")
    return b"".join(path.read_bytes() for path in found)


def test_evidence_is_verified(tmp_path: Path) -> None:
    _, found = rehearsed(projects.plain(tmp_path / "shop"), tmp_path)
    bundle = Path(found["bundle"])
    digest = str(manifest.digest(bundle))
    done = fix_command.run("evidence", "verify", bundle, "--digest", digest)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"digest {digest}" in done.stdout

    log = bundle / "migration_apply.log"
    log.write_text(log.read_text("utf-8").replace("applied", "omitted"), encoding="utf-8")
    (bundle / "rls_contract.log").unlink()
    (bundle / "extra.log").write_text("x", encoding="utf-8")
    done = fix_command.run("evidence", "verify", bundle)
    assert done.returncode == 1
    lines = {tuple(line.split()[:2]) for line in done.stdout.splitlines()}
    assert {
        ("changed", "migration_apply.log:"),
        ("removed", "rls_contract.log:"),
        ("added", "extra.log:"),
    } <= lines
    assert fix_command.run("evidence", "verify", bundle, "--digest", "0" * 64).returncode == 1
    assert fix_command.run("evidence", "verify", tmp_path / "absent").returncode == 2
