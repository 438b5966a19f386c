"""Which columns of a query's result are only a table's own, as they are, and no statement about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import postgast
from google.protobuf.message import DecodeError

# A column that is called so says whether something is right, wherever it comes from.
_VERDICTS = frozenset(
    {"ok", "is_ok", "pass", "passed", "success", "succeeded", "valid", "is_valid", "holds", "correct"}
    | {"result", "verdict"}
)


@dataclass(frozen=True, slots=True)
class Selected:
    """What a query selects: the names that it computes or gives itself, and those that it takes as they are.

    `everything` says that it takes all that there is, by a star.
    """

    named: frozenset[str]
    taken: frozenset[str]
    everything: bool

    def is_data(self, name: str) -> bool:
        """Whether a column of this name is what a table holds, and says nothing of it."""
        if name in _VERDICTS or name in self.named:
            return False
        return self.everything or name in self.taken


@cache
def read(text: str) -> Selected:
    """Read what a query selects; one that cannot be read takes nothing as it is."""
    named: set[str] = set()
    taken: set[str] = set()
    everything = False
    for target in _targets(text):
        last = target.val.column_ref.fields[-1] if target.val.WhichOneof("node") == "column_ref" else None
        if target.name:
            named.add(target.name)
        elif last is not None and last.WhichOneof("node") == "a_star":
            everything = True
        elif last is not None:
            taken.add(last.string.sval)
    return Selected(frozenset(named), frozenset(taken), everything)


def _targets(text: str) -> Iterator[Any]:
    try:
        parsed = postgast.parse(text).stmts
    except (postgast.PgQueryError, DecodeError):
        return
    node: Any = parsed[0].stmt.select_stmt if parsed else None
    while node is not None and node.HasField("larg"):
        node = node.larg
    yield from (target.res_target for target in node.target_list) if node is not None else ()
