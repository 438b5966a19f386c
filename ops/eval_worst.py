"""The worst samples, read once more to say why they are bad; their text is short and holds no secret."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ops import eval_repeated, secrets
from ops.eval_problems import Unjudged
from ops.eval_records import Record
from ops.eval_score import LONGEST, Part
from ops.eval_standard import Judge, Standard
from ops.eval_tally import Bad

_TEXT = 500
_WHY = 200


def described(worst: Iterable[Bad], parts: Sequence[Part], standard: Standard) -> tuple[dict[str, Any], ...]:
    """Return the worst samples, the worst first."""
    reader, judge = standard.reader(), standard.judge()
    found: list[dict[str, Any]] = []
    for _, _, _, number, row in sorted(worst, reverse=True):
        part = parts[number]
        at = eval_repeated.begins(part, row)
        with Path(part.records).open("rb") as records:
            records.seek(at)
            record = reader.read(records.readline(LONGEST), at=at)
        found.append(_described(record, judge))
    return tuple(found)


def _described(record: Record, judge: Judge) -> dict[str, Any]:
    values, errored = judge.judged(record)
    why = "; ".join(_why(record, judge, values, errored))
    found: dict[str, Any] = {
        "record_key": shortened(record.key, most=_WHY),
        "provider": record.provider,
        "route_strategy": record.route_strategy,
        "prompt_template_version": record.prompt_template_version,
        "environment": record.environment,
        "why": shortened(why, most=2 * _WHY),
    }
    found |= {name: None if value is None else value / 1000 for name, value in values.items()}
    return found | {
        "errored": ", ".join(errored),
        "latency_ms": record.latency_ms,
        "cost_usd": None if record.cost_micros is None else record.cost_micros / 1_000_000,
        "created_at": record.created,
        "text": shortened(record.text, most=_TEXT),
    }


def _why(record: Record, judge: Judge, values: dict[str, int | None], errored: list[str]) -> list[str]:
    found: list[str] = []
    if judge.means.safety and values.get("safe") == 0:
        rules = judge.means.safety.why(record.text, record.redacted, names=record.names)
        found.append(f"not safe: {', '.join(rules)}")
    if values.get("schema_valid") == 0:
        found.append(f"not schema-valid: {_schema(record, judge)}")
    found += [problem for problem in record.problems if problem.partition(":")[0] in errored]
    publish = values.get("publish_proxy")
    if publish is not None and publish < 1000:
        found.append(f"publish {shortened(str(record.publish), most=40)}")
    return found


def _schema(record: Record, judge: Judge) -> str:
    try:
        said = judge.means.schemas.why(record.prompt_template_version, record.content)
    except (Unjudged, ValueError) as error:
        said = str(error)
    return shortened(said, most=_WHY)


def shortened(text: str, *, most: int) -> str:
    """Return a text on one line, without secrets and what cannot be shown, cut where it is too long."""
    clean = secrets.redact(text[: 4 * most])
    line = " ".join("".join(each if each.isprintable() else " " for each in clean).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
