"""Each kind of finding that a check can make is made in a test, and has what a reader needs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
OPS = TESTS.parent / "ops"


def kinds(path: Path) -> Iterator[str]:
    """Yield the kinds of finding that a module spells out as a whole."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
            given = (each.value for each in node.keywords if each.arg == "kind")
            for kind in given:
                if not isinstance(kind, ast.JoinedStr):
                    constants = (each for each in ast.walk(kind) if isinstance(each, ast.Constant))
                    yield from (str(each.value) for each in constants)


def test_every_kind_of_finding_is_made_in_a_test():
    said = "".join(path.read_text("utf-8") for path in TESTS.rglob("test_*.py"))
    made = {kind: path.name for path in OPS.glob("*.py") for kind in kinds(path)}
    assert len(made) > 50
    assert {kind: name for kind, name in made.items() if f'"{kind}"' not in said} == {}
