"""What servers of two major versions say differently of one schema."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ops.schema import Key, Snapshot

# The privilege MAINTAIN, which ALL includes, is of this version; so are not-null constraints with a name of their own,
# and what a publication does with generated columns.
_MAINTAINING, _NAMING = 17, 18
_MAINTAIN = re.compile(r"\bMAINTAIN(?: with grant option)?(?: by [^,]+)?(?:, )?")
_GENERATED = re.compile(r'"pubgencols": "n", ')
_ABOUT_RIGHTS = frozenset({"grant", "default privileges"})


def alike(snapshot: Snapshot, left: int, right: int) -> Snapshot:
    """Return a schema in words that servers of both these major versions have; as it is where there is one."""
    if left == right:
        return snapshot
    return dict(_alike(snapshot, min(left, right)))


def _alike(snapshot: Snapshot, oldest: int) -> Iterator[tuple[Key, str]]:
    for key, text in snapshot.items():
        if key[0] in _ABOUT_RIGHTS and oldest < _MAINTAINING:
            said = _MAINTAIN.sub("", text).removesuffix(", ")
            # A right that the other one does not know is no right there.
            if said or not text:
                yield key, said
        elif key[0] == "publication" and oldest < _NAMING:
            yield key, _GENERATED.sub("", text)
        elif not (key[0] == "constraint" and text.startswith("NOT NULL ") and oldest < _NAMING):
            # Whether a column may be null is said with the column.
            yield key, text
