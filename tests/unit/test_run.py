"""What is typed after --set is what the parameter takes: a version of digits stays a text."""

from __future__ import annotations

import pytest

from cli import run

TEXT, CHOICES = {"type": "string"}, {"$ref": "#/definitions/Choices"}


@pytest.mark.parametrize(
    ("value", "schema", "given"),
    [
        ("20260301120000", TEXT, "20260301120000"),
        ("true", TEXT, "true"),
        ('{"last": 2}', CHOICES, {"last": 2}),
        ("true", {"type": "boolean"}, True),
        ("pre", {"$ref": "#/definitions/Phase"}, "pre"),
    ],
)
def test_a_value_is_what_its_parameter_takes(value: str, schema: dict[str, str], given: object):
    assert run.typed(value, schema) == given
