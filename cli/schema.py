"""`python -m cli.schema`: writes the published JSON schemas of results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ops import eval_report_shape, published
from ops.checked import Report
from ops.pull_request_result import PullRequest

FILE = Path(__file__).parents[1] / "docs" / "rehearsal.schema.json"
GATE_FILE = FILE.with_name("pr-gate.schema.json")
CHECKS_FILE = FILE.with_name("checks.schema.json")
EVAL_FILE = FILE.with_name("eval-report.schema.json")


def text() -> str:
    """Return the schema of a rehearsal's result as it is published."""
    return _written(published.json_schema())


def gate_text() -> str:
    """Return the schema of the result of a pull request's gate as it is published."""
    return _written(published.json_schema(PullRequest, of="the gate of a pull request", command="pr-gate"))


def eval_text() -> str:
    """Return the schema of the report of an evaluation as it is published."""
    return _written(eval_report_shape.json_schema())


def checks_text() -> str:
    """Return the schema of the report of a scheduled check as it is published."""
    return _written(
        published.described(
            Report,
            title="The report of a scheduled check",
            description="What daily-checks, weekly-checks and the like write as checks.json of an evidence bundle.",
        )
    )


def _written(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    GATE_FILE.write_text(gate_text(), encoding="utf-8")
    CHECKS_FILE.write_text(checks_text(), encoding="utf-8")
    EVAL_FILE.write_text(eval_text(), encoding="utf-8")
