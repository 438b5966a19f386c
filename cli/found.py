"""Findings as a terminal and a file show them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from cli import destination
from ops import secrets
from ops.checks import Finding


def show(findings: Sequence[Finding], well: str, json_file: Path | None) -> int:
    """Print findings, the worst first, write them where that is wanted, and return the exit code."""
    order = {"failed": 0, "attention": 1, "note": 2}
    found = sorted(findings, key=lambda each: order[each.severity])
    output = sys.stderr if json_file and destination.is_standard_output(json_file) else sys.stdout
    for each in found:
        print(secrets.redact(f"{each.severity}: {each.kind}: {each.said}\n    {each.todo}"), file=output)
    worse = sum(each.severity != "note" for each in found)
    print(
        f"{len(found)} findings, {worse} of them to be mended or looked at." if found else well, file=output
    )
    if json_file:
        rows = [each.model_dump(mode="json") | {"fingerprint": each.fingerprint} for each in found]
        destination.write_json(json_file, {"ok": worse == 0, "findings": rows})
    return 1 if worse else 0
