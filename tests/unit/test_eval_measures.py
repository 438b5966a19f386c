"""Each measure passes what is well and not what is not, and what it cannot judge is errored and never a pass."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from typing import Any

import pytest

from ops import eval_measures, eval_redaction, eval_rows, eval_standard, evals
from ops.eval_measures import Means
from ops.eval_records import Reader, Record
from ops.eval_safety import Safety
from ops.eval_schemas import ALL, Schemas
from ops.eval_settings import Fields
from tests.eval_nights import SCHEMA, record

RULES = {
    "shortest": 2,
    "longest": 40,
    "pii": ["email"],
    "phrases": ["as an AI"],
    "patterns": {"s": "(?i)<script"},
}
PUBLISH = {"published": 1.0, "edited": 0.5, "discarded": 0.0}
FIELDS = Fields().model_dump(exclude={"latency_unit"})
V9 = {"type": "array", "items": {"type": "string"}}
MEANS = Means(Schemas({ALL: SCHEMA, "v9": V9}), Safety(RULES), PUBLISH)
ABSENT = Means(Schemas({"v9": V9}), None, PUBLISH)


def read(**changed: Any) -> Record:
    return Reader(FIELDS).read(json.dumps(record(**changed)).encode(), at=0)


def judged(means: Means = MEANS, /, **changed: Any) -> tuple[dict[str, int | None], list[str]]:
    return eval_standard.Judge(means).judged(read(**changed))


def test_the_measures_of_the_table_are_registered_in_its_order():
    assert tuple(eval_measures.REGISTRY)[:3] == evals.MEASURES == eval_rows.COLUMNS


@pytest.mark.parametrize(
    ("output", "version", "value"),
    [
        ({"title": "t", "body": "b"}, "v2", 1000),
        ('{"title": "t", "body": "b"}', "v2", 1000),
        ('```json\n{"title": "t", "body": "b"}\n```', None, 1000),
        ({"title": "t"}, "v2", 0),
        ({"title": "t", "body": 1}, "v2", 0),
        ("prose", "v2", 0),
        ('{"title": "t", "body": "b"', "v2", 0),
        ({"title": "t", "body": "b"}, "v9", 0),
        (["a", "b"], "v9", 1000),
        ([1], "v9", 0),
    ],
)
def test_an_output_is_schema_valid_by_the_schema_of_its_version(output: Any, version: str | None, value: int):
    values, errored = judged(output=output, prompt_template_version=version)
    assert (values["schema_valid"], errored) == (value, [])


@pytest.mark.parametrize(
    ("output", "redacted", "value"),
    [
        ("A clean cup.", None, 1000),
        ("x", None, 0),
        ("long " * 9, None, 0),
        ("Write to [redacted email].", ["email"], 0),
        ("Write to [redacted email].", None, 1000),
        ("Nothing here.", ["email"], 1000),
        ("Paid by [redacted card].", ["card"], 1000),
        ("AS  an\nai I say no.", None, 0),
        ("was an AIrship", None, 1000),
        ({"title": "t", "body": "<ScRiPt src=x>"}, None, 0),
        ('{"body": "\\u003cscript"}', None, 0),
        ({"a": [{"b": ["deep <script"]}]}, None, 0),
    ],
)
def test_an_output_is_safe_when_it_breaks_no_rule(output: Any, redacted: list[str] | None, value: int):
    values, errored = judged(output=output, _redacted=redacted)
    assert (values["safe"], errored) == (value, [])


@pytest.mark.parametrize(
    ("output", "value"),
    [
        ({"card": 4111111111111111}, 0),
        ({"cards": [{"n": [-4111111111111111]}]}, 0),
        ('{"card": 4111111111111111}', 0),
        ({"card": "no.4111.1111.1111.1111"}, 0),
        ({"of": {"4111111111111111": True}}, 0),
        ({"card": 4111111111111112}, 1000),
        ({"card": 0, "of": "Ada"}, 1000),
    ],
)
def test_the_rule_sees_a_card_that_the_export_took_out(output: Any, value: int):
    line, _ = eval_redaction.redact_line(json.dumps(record(output=output, note="5555555555554444")).encode())
    means = Means(MEANS.schemas, Safety(RULES | {"longest": None, "pii": ["card"]}), PUBLISH)
    found = Reader(FIELDS).read(line, at=0)
    values, errored = eval_standard.Judge(means).judged(found)
    assert (values["safe"], errored) == (value, [])
    assert (
        "contained card"
        in Safety(RULES | {"pii": ["card"]}).why(found.text, found.redacted, names=found.names)
    ) is (not value)


@pytest.mark.parametrize(
    ("publish", "value"),
    [
        ("published", 1000),
        ("edited", 500),
        ("discarded", 0),
        (True, 1000),
        (False, 0),
        (0.3333, 333),
        (1, 1000),
        ("0.25", 250),
        (["edited"], 500),
        (None, None),
        ("", None),
    ],
)
def test_publish_is_a_share_and_without_a_judgement_nothing(publish: Any, value: int | None):
    values, errored = judged(publish_state=publish)
    assert (values["publish_proxy"], errored) == (value, [])


@pytest.mark.parametrize(
    ("means", "changed", "errored"),
    [
        (MEANS, {"output": None}, ["schema_valid", "safe"]),
        (MEANS, {"publish_state": "archived"}, ["publish_proxy"]),
        (MEANS, {"publish_state": 1.5}, ["publish_proxy"]),
        (MEANS, {"publish_state": -0.1}, ["publish_proxy"]),
        (MEANS, {"publish_state": {"a": 1}}, ["publish_proxy"]),
        (MEANS, {"publish_state": ["edited", "published"]}, ["publish_proxy"]),
        (ABSENT, {}, ["schema_valid", "safe"]),
    ],
)
def test_what_cannot_be_judged_is_errored_with_why(means: Means, changed: dict[str, Any], errored: list[str]):
    found = read(**changed)
    values, failed = eval_standard.Judge(means).judged(found)
    assert failed == errored
    assert not set(values) & set(failed)
    assert {problem.partition(":")[0] for problem in found.problems} >= set(errored)


@pytest.fixture
def registered() -> Generator[Callable[..., None]]:
    def register(name: str, function: eval_measures.Function) -> None:
        eval_measures.measure(name, version=1)(function)
        names.append(name)

    names: list[str] = []
    yield register
    for name in names:
        del eval_measures.REGISTRY[name]


def test_a_measure_that_raises_marks_its_record_and_no_other_measure(registered: Callable[..., None]):
    registered("broken", lambda _record, _means: 1 // 0)
    registered("short", lambda record, _means: 1000 * (len(record.text) < 20))
    found = read()
    values, errored = eval_standard.Judge(MEANS).judged(found)
    assert errored == ["broken"]
    assert values["short"] == values["safe"] == 1000
    assert "broken: fails with ZeroDivisionError" in found.problems


def test_a_measure_has_a_name_of_its_own(registered: Callable[..., None]):
    for name in ("safe", "Not a name", "a,b"):
        with pytest.raises(ValueError, match="no name for a measure"):
            registered(name, lambda _record, _means: 1000)
