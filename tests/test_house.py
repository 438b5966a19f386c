"""The rules of the house that a machine can check. CONTRIBUTING.md says why they are there."""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import re
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, Literal

import psycopg
import pytest
import yaml
from prefect import Flow
from prefect.utilities.schema_tools.validation import validate
from psycopg import pq
from pydantic import BaseModel, ConfigDict

from ops import (
    deploys,
    drill_log,
    embedded,
    erasure_record,
    eval_baseline,
    eval_watermark,
    heartbeat,
    incident_index_record,
    journal,
    kept_state,
    marker,
    promotions,
    queries,
    soak_record,
    storage_record,
    write_pause_journal,
)
from tasks.step import Step

ROOT = Path(__file__).parent.parent
PACKAGES = ("cli", "deployments", "flows", "ops", "tasks")
FLOWS = sorted(path for path in (ROOT / "flows").glob("*.py") if path.stem != "__init__")
TASKS = sorted(path for path in (ROOT / "tasks").glob("*.py") if path.stem != "__init__")
SQL = sorted((ROOT / "ops" / "sql").rglob("*.sql"))
# What is found once for all queries of a folder that are parts of a larger one.
GIVEN = {"schema": ("schema/asked",), "lints": ("lints/relations", "lints/policies")}
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
STANZAS = ("When", "Needs", "Touches", "If it stops halfway")
KEBAB = re.compile(r"[a-z]+(-[a-z]+)*")

a_flow = pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
a_query = pytest.mark.parametrize("path", SQL, ids=lambda path: f"{path.parent.name}/{path.stem}")


def flow_of(path: Path) -> Flow[Any, Any]:
    return getattr(importlib.import_module(f"flows.{path.stem}"), path.stem)


@cache
def text_of(path: Path) -> str:
    return path.read_text("utf-8")


def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path))


def steps() -> list[Step[Any, Any]]:
    modules = [importlib.import_module(f"tasks.{path.stem}") for path in TASKS]
    return [value for module in modules for value in vars(module).values() if isinstance(value, Step)]


def told(path: Path) -> str:
    return str(path.relative_to(ROOT))


def kebab(path: Path) -> str:
    return path.stem.replace("_", "-")


# A runbook


@a_flow
def test_a_flow_is_called_like_its_file(path: Path):
    assert flow_of(path).name == kebab(path)


@a_flow
def test_a_flow_says_when_what_it_needs_what_it_touches_and_what_if_it_stops(path: Path):
    lines = (inspect.getdoc(flow_of(path).fn) or "").splitlines()
    said = [match[1] for line in lines if (match := re.match(r"\*\*(.+?)\*\* \S", line))]
    assert said == list(STANZAS)
    assert lines[1] == ""
    assert lines[0].endswith(".")


@a_flow
def test_a_flow_reads_like_the_runbook(path: Path):
    tree = tree_of(path)
    assert len(path.read_text("utf-8").splitlines()) <= 100
    kinds = {type(node) for node in ast.walk(tree)}
    assert not kinds & {ast.Try, ast.JoinedStr, ast.Lambda}, "a flow has no try, no f-string and no lambda"


@a_flow
def test_the_parameters_of_a_flow_are_names_and_choices_that_the_form_explains(path: Path):
    schema = flow_of(path).parameters.model_dump()
    assert 1 <= len(schema["properties"]) <= 6
    for name, described in schema["properties"].items():
        model = schema["definitions"].get(described.get("$ref", "").rpartition("/")[2], {})
        assert (described | model).get("description"), f"{name} is not explained"
        dumb = [key for key, each in model.get("properties", {}).items() if not each.get("description")]
        assert dumb == []


@a_flow
def test_a_flow_has_a_deployment_a_page_a_row_and_a_test(path: Path):
    entrypoints = {each["entrypoint"].partition(":")[0] for each in prefect_yaml()["deployments"]}
    assert f"flows/{path.name}" in entrypoints
    assert (ROOT / "docs" / f"{kebab(path)}.md").is_file()
    assert f"(docs/{kebab(path)}.md)" in (ROOT / "README.md").read_text("utf-8")
    assert (ROOT / "tests" / "e2e" / f"test_{path.stem}.py").is_file()


# Its steps


def test_a_step_has_a_kebab_key_of_its_own():
    keys = [each.evidence for each in steps() if each.evidence]
    assert keys
    assert all(KEBAB.fullmatch(key) for key in keys)
    assert [key for key, count in Counter(keys).items() if count > 1] == []


def test_the_title_of_a_step_names_only_what_it_is_called_with():
    for each in steps():
        named = {field.partition(".")[0] for _, field, _, _ in Formatter().parse(each.title) if field}
        assert named <= set(inspect.signature(each.operation).parameters), each.title


def test_a_step_is_explained_by_its_operation():
    assert [each.title for each in steps() if not inspect.getdoc(each.operation)] == []


# Where and when


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Schedule(Strict):
    cron: str
    timezone: str
    active: bool = True
    parameters: dict[str, Any] = {}


class ConcurrencyLimit(Strict):
    limit: int
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"]


class WorkPool(Strict):
    name: str
    work_queue_name: str | None = None
    job_variables: dict[str, Any] = {}


class Deployment(Strict):
    name: str
    entrypoint: str
    work_pool: WorkPool
    description: str | None = None
    tags: list[str] = []
    version: str | None = None
    parameters: dict[str, Any] = {}
    enforce_parameter_schema: bool = True
    schedules: list[Schedule] = []
    concurrency_limit: ConcurrencyLimit | None = None


class PrefectYaml(Strict):
    """The keys that Prefect reads; one that it does not know it passes over without a word."""

    name: str
    prefect_version: str
    pull: list[dict[str, dict[str, Any]]]
    definitions: dict[str, Any] = {}
    deployments: list[Deployment]


def prefect_yaml() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))


def test_prefect_yaml_has_no_key_that_prefect_would_pass_over():
    found = prefect_yaml()
    found["prefect_version"] = found.pop("prefect-version")
    pinned = re.search(r'"prefect==([\d.]+)"', (ROOT / "pyproject.toml").read_text("utf-8"))
    assert pinned is not None
    assert PrefectYaml.model_validate(found).prefect_version == pinned[1]


def test_every_deployment_gives_parameters_that_its_flow_takes():
    for each in prefect_yaml()["deployments"]:
        file, _, name = each["entrypoint"].partition(":")
        flow = getattr(importlib.import_module(file.removesuffix(".py").replace("/", ".")), name)
        validate(each["parameters"], flow.parameters.model_dump(), raise_on_error=True)


# SQL


@a_query
def test_a_query_says_what_it_answers_and_what_it_locks(path: Path):
    lines = path.read_text("utf-8").splitlines()
    head = list(itertools.takewhile(lambda line: line.startswith("-- "), lines))
    assert len(head) >= 2
    assert re.search(r"^-- (.*\W)?Locks: .+\. Lowest version: \d\d\b", "\n".join(head), re.M), head


@a_query
def test_a_query_is_loaded(path: Path):
    subject, question = path.parent.name, path.stem
    loading = [text for source in SOURCES if "queries.load(" in (text := text_of(source))]
    by_name = any(f'"{subject}/{question}"' in text for text in loading)
    by_list = any(f'f"{subject}/{{' in text and f'"{question}"' in text for text in loading)
    assert by_name or by_list, f"nobody asks {subject}/{question}"


@pytest.fixture(scope="module")
def prepared_database():
    with embedded.running() as server:
        dsn = server.dsn(user=server.superuser)
        with psycopg.connect(dsn, autocommit=True) as connection:
            journal.prepare(connection)
            connection.execute(queries.load("audit/prepare"))
            deploys.prepare(connection)
            kept_state.prepare(connection)
            erasure_record.prepare(connection)
            promotions.prepare(connection)
            soak_record.prepare(connection)
            heartbeat.prepare(connection)
            eval_baseline.prepare(connection)
            drill_log.prepare(connection)
            eval_watermark.prepare(connection)
            write_pause_journal.prepare(connection)
            storage_record.prepare(connection)
            incident_index_record.prepare(connection)
            marker.write(connection, "house", rehearse=True)
            connection.execute("create extension if not exists pg_walinspect schema pg_catalog")
            connection.execute("create extension if not exists pg_cron")
            yield connection


@a_query
def test_a_query_can_be_prepared(path: Path, prepared_database: psycopg.Connection):
    names: list[str] = []

    def numbered(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    name = path.relative_to(ROOT / "ops" / "sql").with_suffix("").as_posix()
    whole = queries.load(name)
    if "from asked" in whole or path.parent.name == "lints":
        whole = queries.union(name, given=GIVEN[path.parent.name])
    text = re.sub(r"%\((\w+)\)[sbt]", numbered, whole).replace("%%", "%")
    result = prepared_database.pgconn.prepare(b"", text.encode())
    assert result.status == pq.ExecStatus.COMMAND_OK, result.error_message.decode()


# Code


def test_a_file_has_less_than_300_lines():
    lengths = {told(path): len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert {name: length for name, length in lengths.items() if length >= 300} == {}


def test_nothing_that_must_hold_is_left_to_assert():
    saying = [path for path in SOURCES if "assert" in text_of(path)]
    found = [
        f"{told(p)}:{n.lineno}" for p in saying for n in ast.walk(tree_of(p)) if isinstance(n, ast.Assert)
    ]
    assert found == []


def test_a_file_and_a_public_function_say_what_they_are():
    dumb: list[str] = []
    for path in SOURCES:
        tree = tree_of(path)
        public = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name[0] != "_"]
        dumb += [f"{told(path)}:{n.lineno}: {n.name}" for n in public if not ast.get_docstring(n)]
        dumb += [told(path)] if tree.body and not ast.get_docstring(tree) else []
    assert dumb == []


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_is_a_drawer_for_everything():
    banned = {"utils", "util", "helpers", "helper", "common", "models", "misc", "base"}
    assert [str(path) for path in tracked() if path.suffix == ".py" and path.stem in banned] == []
    assert not (ROOT / "src").exists()


def test_no_tracked_file_names_a_machine_or_a_registry():
    banned = (
        "/ro" + "ot/",
        "/ho" + "me/",
        "/wo" + "rk/",
        "/op" + "t/",
        "py" + "pi.org",
        "pythonho" + "sted",
        "np" + "mjs",
    )
    allowed = {"LICENSE"}
    found: list[str] = []
    for path in tracked():
        if path.suffix in {".png", ".jpg"} or path.name in allowed:
            continue
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
            found += [f"{path.relative_to(ROOT)}:{number}: {word}" for word in banned if word in line]
    assert found == []


def test_every_link_of_the_documents_leads_somewhere():
    dead: list[str] = []
    for page in (path for path in tracked() if path.suffix == ".md" and "examples" not in path.parts):
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text("utf-8")):
            if not (page.parent / target).exists():
                dead.append(f"{page.relative_to(ROOT)}: {target}")
    assert dead == []


def test_the_makefile_has_the_targets_of_the_readme():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    named = set(re.findall(r"`?make ([a-z]+)\b", (ROOT / "README.md").read_text("utf-8")))
    assert named <= targets
    assert {"demo", "up", "test", "check", "bench"} <= targets


def test_every_dependency_has_its_tested_version():
    wanted = re.findall(r'^    "([A-Za-z0-9-]+)', (ROOT / "pyproject.toml").read_text("utf-8"), re.M)
    wanted = [name for name in wanted if not re.fullmatch(r"S\d+", name)]
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    tested = {line.partition("==")[0] for line in lines}
    assert {name.lower() for name in wanted} <= tested
    assert all(re.fullmatch(r"[a-z0-9.-]+==[\w.]+", line) for line in lines)
