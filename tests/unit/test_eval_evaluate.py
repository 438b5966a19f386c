"""Every line of an export is a sample, or counted as unreadable, blank or repeated, and none stops a night."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops import errors, eval_evaluate, eval_parts, eval_score, eval_worker, secrets
from ops.evals import COLUMNS, Evaluation
from tests import eval_nights, polling
from tests.eval_nights import evaluated, night, project, record, rows

BAD = [
    b"{broken",
    b"",
    b"  \t ",
    b"[1, 2]",
    b"\x00\x00",
    b'{"id": "nul", "output": "a\\u0000b", "selected_provider": "p\\u0000q"}',
    b'{"id": "half", "output": "\\ud83d", "route_strategy": "\\udc00"}',
    b'{"id": "nan", "latency_ms": NaN, "cost_usd": -Infinity}',
    b'{"id": "bytes", "output": "\xff\xfe"}',
    b"[" * 100_000,
    b"{}",
    record(100, latency_ms=-5, created_at="2999-01-01T00:00:00Z"),
    record(101, selected_provider=["a", "b"], output=["x"], cost_usd="0.5"),
    record(102, publish_state="archived"),
    record(100),
    record(1),
]


def accounted(evaluation: Evaluation) -> int:
    found = evaluation.problems
    beside = found.get("line: blank", 0) + found.get("key: repeated", 0)
    return evaluation.samples + evaluation.unreadable + beside


def kept(evaluation: Evaluation) -> list[dict[str, Any]]:
    assert evaluation.problems_path
    return [orjson.loads(line) for line in evaluation.problems_path.read_bytes().splitlines()]


def test_no_bad_line_is_lost_and_none_stops_the_night(tmp_path: Path):
    found = evaluated(project(tmp_path), record(1), *BAD)
    assert accounted(found) == len(BAD) + 1
    assert (found.samples, found.unreadable) == (9, 4)
    assert found.tallies[0].samples == len(rows(found)) == 9
    assert found.problems["key: repeated"] == 2
    assert found.problems["line: blank"] == 2
    assert found.problems["latency_ms: negative"] == found.problems["created: in the future"] == 1
    assert (
        found.problems["schema_valid: there is no output"] == found.problems["safe: there is no output"] == 2
    )
    assert found.tallies[0].errored == {"schema_valid": 2, "safe": 2, "publish_proxy": 1}
    assert sum(each["unreadable"] for each in kept(found)) == 4
    assert {kind for each in kept(found) for kind in each["problems"]} | {"line: blank"} == set(
        found.problems
    )


line = st.one_of(
    st.sampled_from(BAD),
    st.binary(max_size=40).map(lambda data: data.replace(b"\n", b" ")),
    st.dictionaries(
        st.sampled_from(list(eval_nights.GOOD)),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
            ),
            max_leaves=5,
        ),
    ),
)


@settings(max_examples=60)
@given(lines=st.lists(line, max_size=12))
def test_whatever_stands_there_is_accounted_for(tmp_path_factory: pytest.TempPathFactory, lines: list[Any]):
    found = evaluated(project(tmp_path_factory.mktemp("any")), *lines)
    assert accounted(found) == len(lines)
    for row in rows(found):
        assert len(row) == len(COLUMNS)
        assert "\0" not in "".join(row)


def test_a_line_without_an_end_is_a_record(tmp_path: Path):
    made = night(project(tmp_path), [])
    assert made.export
    made.export.path.write_bytes(json.dumps(record()).encode())
    assert eval_evaluate.evaluate(made).samples == 1


def test_an_empty_export_is_no_sample(tmp_path: Path):
    found = evaluated(project(tmp_path))
    assert (found.samples, found.tallies[0].samples, found.worst) == (0, 0, ())


def test_an_output_of_50_megabytes_is_judged(tmp_path: Path):
    found = evaluated(
        project(tmp_path), record(1, output={"title": "t", "body": "x" * 50_000_000}), record(2)
    )
    assert (found.samples, found.unreadable) == (2, 0)
    assert found.tallies[0].measures["safe"].successes == 1
    assert "longer than 5000" in found.worst[0]["why"]
    assert len(found.model_dump_json()) < 10_000


def test_a_line_that_is_too_long_is_counted_and_the_next_one_is_read(tmp_path: Path, monkeypatch: Any):
    monkeypatch.setattr(eval_score, "LONGEST", 2000)
    found = evaluated(project(tmp_path), record(1), record(2, output="x" * 5000), record(3))
    assert [row[0] for row in rows(found)] == ["1", "3"]
    assert found.problems == {"line: too long": 1}
    assert accounted(found) == 3


def many(count: int, *, twice: int = 0) -> list[dict[str, Any]]:
    chance = random.Random(20260215)
    made = [
        record(
            number,
            selected_provider=chance.choice(["openai", "anthropic", "mistral"]),
            route_strategy=chance.choice(["default", "weighted"]),
            output={"title": "t"} if number % 50 == 0 else {"title": "t", "body": "b"},
            latency_ms=chance.randrange(900),
        )
        for number in range(count)
    ]
    return made + made[:twice]


def facts(evaluation: Evaluation) -> dict[str, Any]:
    return evaluation.model_dump(exclude={"samples_path", "problems_path"})


def test_processes_find_what_one_finds_to_the_byte(tmp_path: Path, monkeypatch: Any):
    lines = [*many(400, twice=30), *BAD]
    alone = evaluated(project(tmp_path / "one"), *lines)
    monkeypatch.setattr(eval_parts, "WORTH_IT", 0)
    told: list[tuple[int, int, str]] = []
    made = night(project(tmp_path / "two"), lines)
    made.progress = lambda done, whole, what: told.append((done, whole, what))
    found = eval_evaluate.evaluate(made)
    assert facts(found) == facts(alone)
    assert found.samples_path.read_bytes() == alone.samples_path.read_bytes()
    assert kept(found) == kept(alone)
    assert told


def test_again_it_writes_the_same_bytes_and_leaves_nothing_beside_them(tmp_path: Path):
    made = night(project(tmp_path), [*many(50, twice=3), *BAD])
    (made.plan.folder / ".evaluate-killed").mkdir()
    names = {"records.jsonl", "samples.copy", "problems.jsonl", "evaluation.json"}
    bytes_of: list[dict[str, bytes]] = []
    for _ in range(2):
        assert made.evaluation is not eval_evaluate.evaluate(made) or made.evaluation
        assert {path.name for path in made.plan.folder.iterdir()} == names
        bytes_of.append({name: (made.plan.folder / name).read_bytes() for name in names})
    assert bytes_of[0] == bytes_of[1]
    assert Evaluation.model_validate_json(bytes_of[0]["evaluation.json"]) == made.evaluation


def test_of_a_repeated_key_the_first_is_kept_in_whichever_part(tmp_path: Path, monkeypatch: Any):
    monkeypatch.setattr(eval_parts, "WORTH_IT", 0)
    lines = [record(1, selected_provider="first"), *many(60)[2:], record(1, selected_provider="last")]
    found = evaluated(project(tmp_path), *lines)
    assert [row[3] for row in rows(found) if row[0] == "1"] == ["first"]
    assert found.problems["key: repeated"] == 1
    assert "provider last" not in [tally.name for tally in found.tallies]


def test_the_key_is_the_number_of_a_row_where_the_source_is_a_table(tmp_path: Path):
    table = project(tmp_path)
    (table / "runbooks.toml").write_text(
        '[project]\nname = "shop"\n[environments.production.eval]\nkind = "copy"\n'
    )
    lines = [record(7), record(1, id="07"), record(1, id="a-uuid"), record(1, id=2**63), record(1, id=0)]
    assert [row[2] for row in rows(evaluated(table, *lines))] == ["7", "\\N", "\\N", "\\N", "0"]
    assert [row[2] for row in rows(evaluated(project(tmp_path / "files"), record(7)))] == ["\\N"]


def test_a_secret_is_in_no_file_that_is_shown(tmp_path: Path):
    secrets.remember("open-sesame-of-the-night")
    bad = record(1, output={"title": "open-sesame-of-the-night"}, latency_ms=-1)
    found = evaluated(project(tmp_path), bad, b"{open-sesame-of-the-night", bad)
    assert found.problems_path
    shown = found.model_dump_json() + found.problems_path.read_text("utf-8")
    assert "sesame" not in shown
    assert "[redacted]" in shown


def test_without_schema_and_rules_nothing_passes_and_it_is_said(tmp_path: Path):
    found = evaluated(project(tmp_path, rules=None, schemas={}), record(1), record(2))
    whole = found.tallies[0]
    assert (whole.errored["schema_valid"], whole.errored["safe"]) == (2, 2)
    assert (whole.measures["schema_valid"].n, whole.measures["safe"].n) == (0, 0)
    assert "no schema for variant sitecraft" in found.summary
    assert "no safety rules in evals/safety.toml" in found.summary


def test_of_one_kind_the_first_thousand_are_kept_and_all_are_counted(tmp_path: Path):
    found = evaluated(project(tmp_path), *(record(number, environment=None) for number in range(1100)))
    assert found.problems == {"environment: missing": 1100}
    assert len(kept(found)) == 1000


def test_fewer_records_than_were_exported_are_a_failed_check(tmp_path: Path):
    with pytest.raises(errors.CheckFailed, match=r"has 5 records, and its file has 3 lines.*run it again"):
        eval_evaluate.evaluate(night(project(tmp_path), [record(1), record(2), b""], records=5))


def test_a_process_that_is_killed_is_unavailable_and_leaves_no_samples(tmp_path: Path, monkeypatch: Any):
    monkeypatch.setattr(eval_parts, "WORTH_IT", 0)
    # More than a process reads while it is looked for.
    made = night(project(tmp_path), [json.dumps(record()).encode()] * 100_000)

    def workers() -> list[psutil.Process]:
        found: list[psutil.Process] = []
        for each in psutil.Process().children():
            # Another child may end while it is looked at.
            with contextlib.suppress(psutil.Error):
                found += [each] if "ops.eval_worker" in each.cmdline() else []
        return found

    def kill() -> None:
        polling.wait_until(lambda: bool(workers()))
        workers()[0].kill()

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(errors.Unavailable, match=r"killed by signal 9.*memory.*run it again"):
        eval_evaluate.evaluate(made)
    killer.join()
    assert workers() == []
    assert [path.name for path in made.plan.folder.iterdir()] == ["records.jsonl"]


def test_a_process_whose_starter_is_gone_ends(tmp_path: Path):
    made = night(project(tmp_path), many(30_000))
    assert made.export
    from ops import eval_rules

    (part,) = eval_parts.split(made.export.path, tmp_path, parts=1)
    job = eval_worker.Job("score", part, eval_rules.standard(made.plan))
    (tmp_path / "job").write_bytes(orjson.dumps(job))
    command = [sys.executable, "-m", "ops.eval_worker", str(tmp_path / "job"), str(tmp_path / "result")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.close()
    assert process.returncode == eval_worker.DISK
    assert not (tmp_path / "result").exists()


def test_a_process_loads_neither_pydantic_nor_psycopg():
    heavy = ("pydantic", "psycopg", "numpy", "httpx")
    code = f"import sys, ops.eval_worker; print([name for name in {heavy} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
