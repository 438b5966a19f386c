"""Which statements the guard of the platform's objects must look at: in a cold session each look costs milliseconds."""

from __future__ import annotations

import re
from typing import LiteralString

_PLATFORM = re.compile(r"\b(auth|storage|_?realtime|supabase_functions)\b", re.IGNORECASE)
# By the parser's names: what the guard's event triggers fire on, and what can run anything.
_CHANGING = re.compile(r"^(alter_(?!default_privileges)|drop_|rename_|do_|call_)")
# What these make may say the platform's names in its body; what counts is what it is called.
_MAKING = {"create_function_stmt", "view_stmt"}
_NAME = re.compile(r"[^(]*?(?=\(|\bas\b|$)", re.IGNORECASE)

OFF: LiteralString = "set runbooks.guard = off"
ON: LiteralString = "set runbooks.guard = on"


def concerned(kind: str, text: str) -> bool:
    """Whether a statement may change what belongs to the platform."""
    if kind in _MAKING:
        name = _NAME.match(text)
        return bool(name and _PLATFORM.search(name.group()))
    return bool(_CHANGING.match(kind) and _PLATFORM.search(text))
