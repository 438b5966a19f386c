"""How far an export has come, as its folder says it: begun, or whole.

`export.part.json` is written after each page and names the bytes that count; `export.json`, written last, says that the
file of records is whole.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TypeVar

from pydantic import Field, ValidationError

from ops import eval_export_files
from ops.eval_night import EvalPlan
from ops.eval_watermark import Watermark
from ops.evals import Cursor, Frozen, Window

RECORDS, PART, WHOLE = "records.jsonl", "export.part.json", "export.json"


class Begun(Frozen):
    """An export under way: what is asked for, and how much of it is in the file."""

    asked: str = Field(description="digest over what was asked for")
    run: str
    window: Window
    remarks: tuple[str, ...] = ()
    before: Cursor | None = None
    cursor: Cursor | None = Field(default=None, description="the last record that was read")
    bytes: int = 0
    sha256: str = hashlib.sha256().hexdigest()
    records: int = 0
    repeated: int = 0
    late: int = 0
    redacted: dict[str, int] = Field(default_factory=dict)


class Whole(Begun):
    """An export that is whole."""

    left: int = 0
    after: Cursor | None = None
    tail: tuple[str, ...] = ()


S = TypeVar("S", bound=Begun)


def asked(plan: EvalPlan) -> str:
    """Return a digest over what an export asks for, so that another question does not go on with this one."""
    settings = plan.project.eval
    facts = {
        "kind": plan.kind,
        "table": settings.table,
        "where": sorted(settings.where.items()),
        "fields": [settings.fields.key, settings.fields.created],
        "files": plan.source.files,
        "overlap": str(settings.overlap),
        "limit": plan.limit,
        "choices": plan.choices.model_dump(mode="json", include={"days", "since", "until"}),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def read(folder: Path, kind: type[S]) -> S | None:
    """Return what the folder says of an export under way or of a whole one; nothing where that cannot be believed."""
    name = WHOLE if kind is Whole else PART
    try:
        return kind.model_validate_json((folder / name).read_bytes())
    except (OSError, ValidationError):
        return None


def keep(folder: Path, state: Begun) -> None:
    """Write how far it is; the last word, that it is whole, is on the disk before it is believed."""
    whole = isinstance(state, Whole)
    name = WHOLE if whole else PART
    eval_export_files.replace(folder / name, state.model_dump_json().encode(), durable=whole)


def forget(folder: Path) -> None:
    """Take away what says how far it is, the whole one first."""
    for name in (WHOLE, PART):
        (folder / name).unlink(missing_ok=True)


def goes_on(state: Begun, plan: EvalPlan, run: str, mark: Watermark | None) -> bool:
    """Whether a run goes on with what another has begun or ended: the same question, and nothing of it ingested yet."""
    if state.asked != asked(plan):
        return False
    if isinstance(state, Whole) and not state.records:
        # Nothing of it can be ingested, so that it would stay the last word for ever.
        return False
    if not state.window.watermark:
        return state.run == run or (plan.choices.since is not None and not isinstance(state, Whole))
    if (
        isinstance(state, Whole)
        and mark
        and (mark.content_digest, mark.cursor) == (state.sha256, state.after)
    ):
        return False
    return (mark and mark.cursor) == state.before
