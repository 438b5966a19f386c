"""Nights of evaluation for tests: a project with schemas and rules, and an export of given lines."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops import eval_evaluate, eval_night
from ops.eval_night import EvalChoices, Night
from ops.evals import Evaluation, Export, Window

SCHEMA = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "body": {"type": "string"}},
    "required": ["title", "body"],
}
RULES = 'longest = 5000\npii = ["email"]\nphrases = ["as an AI"]\n[patterns]\nscript = "(?i)<script"\n'
SOURCE = '[environments.production.eval]\nkind = "file"\n'
GOOD = {
    "id": 1,
    "created_at": "2026-02-15T20:50:00+00:00",
    "output": {"title": "Lot 1", "body": "A clean cup."},
    "selected_provider": "openai",
    "route_strategy": "default",
    "prompt_template_version": "v2",
    "environment": "prod",
    "latency_ms": 420,
    "cost_usd": 0.0123,
    "publish_state": "published",
}


def record(number: int = 1, /, **changed: Any) -> dict[str, Any]:
    """Return a record that is well, but for what is changed."""
    return {**GOOD, "id": number, **changed}


def project(
    root: Path, *, toml: str = "", rules: str | None = RULES, schemas: Mapping[str, Any] | None = None
) -> Path:
    """Write a project with an environment `production`, whose records are files."""
    (root / "supabase").mkdir(parents=True, exist_ok=True)
    (root / "runbooks.toml").write_text(f'[project]\nname = "shop"\n{toml}\n{SOURCE}')
    for name, schema in ({"sitecraft": SCHEMA} if schemas is None else schemas).items():
        path = root / "evals" / "schemas" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(schema if isinstance(schema, str) else json.dumps(schema))
    if rules is not None:
        (root / "evals").mkdir(exist_ok=True)
        (root / "evals" / "safety.toml").write_text(rules)
    return root


def night(root: Path, lines: Iterable[Any], *, records: int | None = None) -> Night:
    """Return a night whose export is made of these lines: bytes as they are, else JSON."""
    found = Night(eval_night.plan(str(root), "production", EvalChoices()), "run")
    folder = found.plan.folder
    folder.mkdir(parents=True, exist_ok=True)
    data = b"".join(
        (each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in lines
    )
    path = folder / "records.jsonl"
    path.write_bytes(data)
    moment = datetime(2026, 2, 15, tzinfo=UTC)
    found.export = Export(
        ok=True,
        summary="Exported.",
        path=path,
        window=Window(start=moment, end=moment, watermark=False),
        source="file",
        records=records or 0,
        content_digest=hashlib.sha256(data).hexdigest(),
    )
    return found


def evaluated(root: Path, *lines: Any) -> Evaluation:
    """Evaluate lines in a project."""
    return eval_evaluate.evaluate(night(root, lines))


def rows(evaluation: Evaluation) -> list[list[str]]:
    """Return the fields of each sample, as they are written."""
    return [line.split("\t") for line in evaluation.samples_path.read_bytes().decode().split("\n")[:-1]]
