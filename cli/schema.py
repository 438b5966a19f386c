"""`python -m cli.schema`: writes the published JSON schema of a rehearsal's result."""

from __future__ import annotations

import json
from pathlib import Path

from ops import verdict

FILE = Path(__file__).parents[1] / "docs" / "rehearsal.schema.json"


def text() -> str:
    """Return the schema as it is published."""
    return json.dumps(verdict.json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
