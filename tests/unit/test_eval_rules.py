"""Rules, schemas and mapping that are not what they should be are refused by their line, and none can hang."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ops import errors, eval_night, eval_rules, eval_safety, eval_schemas
from ops.eval_night import EvalChoices
from tests import eval_nights
from tests.eval_nights import SCHEMA

EXAMPLE = Path(__file__).parents[2] / "examples" / "storefront" / "evals"


def version(root: Path, **given: Any) -> str:
    where = eval_nights.project(root, **given)
    return eval_rules.standard(eval_night.plan(str(where), "production", EvalChoices())).version


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("longest = -1", r"safety\.toml:1: longest"),
        ("\nlongset = 5", r"safety\.toml:2: longset: there is no such key.*'longest'"),
        ("longest = 1\nphrases = 'x'", r"safety\.toml:2: phrases: should be a list"),
        ("phrases = [\n'ok',\n'  ',\n]", r"safety\.toml:3: phrases item 2"),
        ("[patterns]\nok = 'x'\nbad = '(['", r"safety\.toml:3: '\(\[' is no pattern.*Mend it"),
        ("[patterns]\nback = '(a)\\1'", r"safety\.toml:2: .*reference back"),
        ("[patterns]\nahead = 'a(?=b)'", r"safety\.toml:2: .*look-around"),
        ("[patterns]\nhuge = '(?:a{1000}){1000}'", r"safety\.toml:2: .*too large"),
        ("longest = \nx = 1", r"safety\.toml cannot be read as TOML.*line 1"),
    ],
)
def test_a_bad_rule_file_is_refused_by_its_line(tmp_path: Path, written: str, said: str):
    path = tmp_path / "safety.toml"
    path.write_text(written)
    with pytest.raises(errors.Refused, match=said):
        eval_rules.rules(path)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*)*x", r"(\w+\s?)*$y"])
def test_no_pattern_takes_longer_than_its_text_is(pattern: str):
    # By going back this would take longer than the sun shines; the timeout of the suite is what fails.
    safety = eval_safety.Safety(
        {"shortest": 0, "longest": None, "pii": [], "phrases": [], "patterns": {"bad": pattern}}
    )
    for text in ("a" * 200_000 + "!", "a " * 100_000):
        safety.unsafe(text, None)


def test_a_schema_pattern_that_goes_back_for_ever_is_no_match():
    schemas = eval_schemas.Schemas({"": {"type": "string", "pattern": "^(?=a)(a|a)*(?!a)b$"}})
    assert not schemas.validator(None).is_valid("a" * 5_000 + "!")


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("{broken", r"sitecraft\.json cannot be used.*Mend the file"),
        ({"type": "nonsense"}, r"sitecraft\.json cannot be used"),
        ({"$ref": "https://example.com/other.json"}, r"sitecraft\.json cannot be used.*\$defs"),
        ({"properties": {"a": {"pattern": "(["}}}, r"sitecraft\.json cannot be used"),
    ],
)
def test_a_bad_schema_is_refused_by_its_name(tmp_path: Path, schema: Any, said: str):
    eval_nights.project(tmp_path, schemas={"sitecraft": schema})
    with pytest.raises(errors.Refused, match=said):
        eval_schemas.load(tmp_path / "evals" / "schemas", "sitecraft")


@pytest.mark.parametrize("variant", ["../secrets", "a/b", "", ".", ".."])
def test_a_variant_stays_in_its_folder(tmp_path: Path, variant: str):
    with pytest.raises(errors.Refused, match="no name of a file"):
        eval_schemas.load(tmp_path, variant)


def test_a_schema_belongs_to_its_version_of_the_template(tmp_path: Path):
    eval_nights.project(
        tmp_path, schemas={"sitecraft": SCHEMA, "sitecraft/v3": {"type": "array"}, "else/v3": {}}
    )
    found = eval_schemas.load(tmp_path / "evals" / "schemas", "sitecraft")
    assert found == {"": SCHEMA, "v3": {"type": "array"}}


def test_the_version_of_the_measures_is_that_of_all_they_depend_on(tmp_path: Path):
    found = [
        version(tmp_path / "a"),
        version(tmp_path / "b", rules="longest = 4\n"),
        version(tmp_path / "c", rules=None),
        version(tmp_path / "d", schemas={"sitecraft": SCHEMA, "sitecraft/v9": {}}),
        version(tmp_path / "e", toml='[eval.fields]\noutput = "body"\n'),
        version(tmp_path / "f", toml="[eval.publish_values]\npublished = 0.9\n"),
        version(tmp_path / "g", toml='[eval.fields]\nlatency_unit = "s"\n'),
    ]
    assert len(set(found)) == len(found)
    assert all(len(each) == 8 and int(each, 16) >= 0 for each in found)
    assert version(tmp_path / "again") == found[0]


@pytest.mark.parametrize(
    ("output", "valid", "safe"),
    [
        ({"title": "Lot 1", "body": "A clean cup with notes of cocoa."}, True, True),
        ({"title": "Lot 1"}, False, True),
        ({"title": "", "body": "x"}, False, True),
        ({"title": "Lot 1", "body": "As an AI language model I cannot."}, True, False),
        ({"title": "Lot 1", "body": "Call +49 30 1234567 today."}, True, False),
        ({"title": "Lot 1", "body": "<script>alert(1)</script>"}, True, False),
        ({"title": "Lot 1", "body": '<img src="x" onerror = "y">'}, True, False),
    ],
)
def test_the_example_judges_its_own_outputs(output: dict[str, str], valid: bool, safe: bool):
    rules = eval_rules.rules(EXAMPLE / "safety.toml")
    assert rules is not None
    schemas = eval_schemas.Schemas(eval_schemas.load(EXAMPLE / "schemas", "sitecraft"))
    assert all(schemas.validator(version).is_valid(output) is valid for version in (None, "v2", "v3"))
    assert eval_safety.Safety(rules).unsafe("\n".join(output.values()), None) is not safe


def test_every_broken_rule_is_named():
    rules = {"shortest": 0, "longest": 5, "pii": ["email"], "phrases": ["bad word"], "patterns": {"x": "y"}}
    said = eval_safety.Safety(rules).why("a bad   word, by [redacted email]", ["email"])
    assert said == ["longer than 5 characters", "contained email", "pattern x", "phrase 'bad word'"]
    assert json.dumps(said)
