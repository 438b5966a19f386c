"""The report of a night: the verdict first, every part said, and no record's text able to break it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cli import schema
from ops import eval_report, eval_report_words, secrets
from ops.eval_night import Night
from ops.evals import Moments, Spread, Tally
from tests.evaluations import HOSTILE, compared, judged, night, past, tally

NONE = eval_report_words.NONE
OPENAI, NIMBUS = (("provider", "openai"),), (("provider", "nimbus"),)


def worse(root: Path) -> Night:
    """A night in which one provider is worse than its baseline."""
    fell = compared(
        NIMBUS, "fail", rate=0.9, reference=0.97, drop=0.07, p_adjusted=0.0004, said="safe of nimbus fell."
    )
    undecided = compared(OPENAI, "inconclusive", rate=0.96, reference=0.97, drop=0.01, needed=1200)
    before = past(7, 0.97, OPENAI, NIMBUS)
    found = judged(fell, undecided, compared((), "pass"), baseline=before, trend=(before, past(1, 0.96)))
    slices = (tally(), tally(OPENAI, 240), tally(NIMBUS, 160, 0.9))
    sample = {
        "record_key": "41",
        "provider": "nimbus",
        "output": '{"title": 1}',
        "failed": ["schema_valid", "safe"],
    }
    return night(root, *slices, found=found, worst=(sample,))


def read(root: Path, name: str) -> str:
    (path,) = root.glob(f"artifacts/ops/*/nightly-eval_*/{name}")
    return path.read_text("utf-8")


def report(root: Path) -> dict[str, Any]:
    return json.loads(read(root, eval_report.RESULT))


def validate(found: object) -> None:
    published = json.loads(schema.EVAL_FILE.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(published)
    validator: Any = jsonschema.Draft202012Validator(published)
    validator.validate(found)


def test_the_published_schema_is_current():
    assert schema.EVAL_FILE.read_text("utf-8") == schema.eval_text(), "run `python -m cli.schema`"


def test_the_verdict_stands_first_and_what_decided_it_before_the_rest(tmp_path: Path):
    told = eval_report.write(worse(tmp_path))
    lines = read(tmp_path, "report.md").splitlines()
    assert lines[0] == "# Evaluation failed: shop on production"
    assert lines[2] == "safe of nimbus fell."
    page = read(tmp_path, "report.html")
    for text in ("\n".join(lines), page):
        where = [
            text.index(part)
            for part in ("fell.", "What failed or is undecided", "Slices", "bad in some way", "The worst")
        ]
        assert where == sorted(where)
    assert set(told.files) == {p.name for p in Path(told.bundle or "").iterdir()} - {"bundle.json"}


def test_each_slice_has_rate_interval_difference_samples_and_verdict(tmp_path: Path):
    eval_report.write(worse(tmp_path))
    found = report(tmp_path)
    validate(found)
    assert found["verdict"] == "fail"
    assert [each["name"] for each in found["slices"]] == ["all records", "provider openai", "provider nimbus"]
    safe = next(each for each in found["slices"][2]["measures"] if each["measure"] == "safe")
    assert (safe["samples"], safe["rate"], safe["verdict"]) == (160, 0.9, "fail")
    assert safe["low"] == pytest.approx(0.8437, abs=1e-4)
    assert safe["high"] == pytest.approx(0.9375, abs=1e-4)
    assert safe["delta"] == pytest.approx(-0.07)
    assert "| provider nimbus | safe | failed | 90.00 % | 84.3" in read(tmp_path, "report.md")
    assert "| provider openai | safe | inconclusive (1,200 more would decide) |" in read(
        tmp_path, "report.md"
    )
    assert [(each["run_id"], each["this"]) for each in found["trend"]] == [
        (93, False),
        (99, False),
        (100, True),
    ]


def test_the_artifact_has_the_pictures_in_it(tmp_path: Path):
    shown = eval_report.document(eval_report.write(worse(tmp_path)))
    assert shown.count("](data:image/png;base64,") == 3
    assert "](eval-trend.png)" in read(tmp_path, "report.md")


def test_what_records_say_is_text_and_nothing_else(tmp_path: Path):
    where = (("provider", "a|b `c` <script>alert(1)</script>\n# d \u202eevil\x00"),)
    bad = {
        "record_key": HOSTILE,
        "output": {"x": HOSTILE, "n": float("nan")},
        HOSTILE: [HOSTILE],
        "rate": float("inf"),
    }
    found = judged(compared(where, "fail", said="it fell"))
    shown = eval_report.document(
        eval_report.write(night(tmp_path, tally(), tally(where), found=found, worst=(bad,)))
    )
    validate(json.loads(read(tmp_path, eval_report.RESULT), parse_constant=lambda word: pytest.fail(word)))
    for text in (read(tmp_path, "report.md"), shown):
        rows = [line for line in text.splitlines() if "alert(1)" in line]
        assert rows
        assert all(line.startswith("| ") and line.endswith(" |") for line in rows)
        assert len({line.replace("\\|", "").count("|") for line in rows if line.startswith("| a")}) <= 1
    for text in (read(tmp_path, "report.html"), read(tmp_path, "report.md"), shown):
        assert "<script" not in text
        assert not {"\x00", "\u202e", "\ud83d"} & set(text)


def test_a_secret_in_a_record_is_masked_everywhere(tmp_path: Path):
    secrets.remember("hunter2hunter2")
    sample = {"record_key": "1", "output": "the key is hunter2hunter2", "hunter2hunter2": "hunter2hunter2"}
    where = (("provider", "hunter2hunter2"),)
    shown = eval_report.document(
        eval_report.write(
            night(tmp_path, tally(), tally(where), found=judged(compared(where, "fail")), worst=(sample,))
        )
    )
    for text in (shown, *(read(tmp_path, name) for name in ("report.md", "report.html", eval_report.RESULT))):
        assert "hunter2" not in text
        assert secrets.MASK in text.replace("\\", "")


def test_one_output_of_many_megabytes_is_cut(tmp_path: Path):
    samples = tuple({"record_key": str(n), "output": "x" * 3_000_000} for n in range(30))
    eval_report.write(night(tmp_path, tally(), found=judged(), worst=samples))
    assert len(report(tmp_path)["worst"]) == 20
    for name in ("report.md", "report.html", eval_report.RESULT):
        assert len(read(tmp_path, name)) < 1_000_000


EMPTY = Tally(measures={"safe": Moments()}, latency=Spread(counts={}), cost=Spread(counts={}))


@pytest.mark.parametrize(
    ("tallies", "found", "said"),
    [
        ((), judged(), "No record was evaluated"),
        ((EMPTY,), judged(), f"| all records | safe | not judged | {NONE} | {NONE} | {NONE} | 0 |"),
        ((tally(),), judged(compared((), "pass")), "none is pinned"),
        ((tally(safe=400),), judged(compared((), "inconclusive", needed=30)), "| 0, 400 errored |"),
        ((tally(),), None, "Not judged: the run broke off before its gate was done."),
        ((tally(), *(tally((("provider", f"p{n}"),), 8) for n in range(50))), judged(), "And 11 more slices"),
    ],
    ids=["no data", "no number", "no baseline", "all errored", "broken off", "many slices"],
)
def test_whatever_there_is_or_not_is_said(tmp_path: Path, tallies: tuple[Tally, ...], found: Any, said: str):
    told = eval_report.write(night(tmp_path, *tallies, found=found))
    validate(report(tmp_path))
    assert said in read(tmp_path, "report.md")
    assert said in eval_report.document(told)
    assert "<h1>Evaluation " in read(tmp_path, "report.html")


def test_a_night_that_broke_off_at_once_has_a_report(tmp_path: Path):
    broken = night(tmp_path, found=None)
    broken.export = broken.evaluation = broken.ingested = None
    eval_report.write(broken)
    assert report(tmp_path)["summary"] == "Not judged: the run broke off before its export was done."


@pytest.mark.parametrize(
    ("share", "said"),
    [(None, NONE), (1.0, "100.00 %"), (0.99999, "> 99.99 %"), (0.00001, "< 0.01 %"), (0.0, "0.00 %")],
)
def test_nearly_all_is_not_all(share: float | None, said: str):
    assert eval_report_words.percent(share) == said


def test_a_slice_that_holds_all_samples_of_a_wider_one_is_not_told_again(tmp_path: Path):
    one, other = ("provider", "openai"), ("environment", "prod")
    tallies = (tally(), tally((one,), 30), tally((other,)), tally((one, other), 30))
    eval_report.write(night(tmp_path, *tallies, found=judged()))
    assert [each["name"] for each in report(tmp_path)["slices"]] == ["all records", "provider openai"]
