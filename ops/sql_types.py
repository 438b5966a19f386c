"""Types and defaults as different hands write them, in one spelling: `int8` is `bigint`."""

from __future__ import annotations

import re

_SPELLINGS = {
    "int8": "bigint",
    "int": "integer",
    "int4": "integer",
    "int2": "smallint",
    "float8": "double precision",
    "float": "double precision",
    "float4": "real",
    "bool": "boolean",
    "varchar": "character varying",
    "char varying": "character varying",
    "char": "character",
    "bpchar": "character",
    "decimal": "numeric",
    "dec": "numeric",
    "varbit": "bit varying",
    "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone",
    "timetz": "time with time zone",
    "time": "time without time zone",
}
# A length of one is what these have when none is written.
_OF_ONE = {"character", "bit"}
_TIME = re.compile(r"^(timestamp|time)\b(?:\s*\((\d+)\))?(?:\s+(with|without) time zone)?$")
_CAST = re.compile(r"::(?:[\w.\s]|\"[^\"]*\"|\(\d+(?:,\s*\d+)?\))+(?:\[\])*$")


def spelled(kind: str) -> str:
    """Return a type as `format_type` writes it, as far as that can be said without the server."""
    text = _lowered(" ".join(kind.split()))
    text, arrays = _arrays(text)
    if text in ("char", '"char"') and '"char"' in kind:
        return f'"char"{arrays}'
    timed = _TIME.match(text)
    if timed:
        return f"{_timed(*timed.groups())}{arrays}"
    base, modifiers = _modifiers(text)
    base = _SPELLINGS.get(base.removeprefix("pg_catalog."), base.removeprefix("pg_catalog."))
    if base.startswith(("timestamp ", "time ")) and modifiers:
        head, _, rest = base.partition(" ")
        return f"{head}{modifiers} {rest}{arrays}"
    if base in _OF_ONE and not modifiers:
        modifiers = "(1)"
    if base == "numeric" and re.fullmatch(r"\(\d+\)", modifiers):
        modifiers = f"{modifiers[:-1]},0)"
    return f"{base}{modifiers}{arrays}"


def same(declared: str, found: str) -> bool:
    """Whether a declared type is the found one; a type of the app's own may be written without its schema."""
    one, other = spelled(declared), spelled(found)
    return one == other or ("." not in one and other.partition(".")[2] == one)


def same_default(declared: str | None, found: str | None) -> bool:
    """Whether two defaults say the same, but for spaces, letters outside quotes, and a cast that the server adds."""
    return _plain(declared or "") == _plain(found or "")


def _plain(text: str) -> str:
    text = _lowered(" ".join(text.split())).removeprefix("pg_catalog.")
    text = _CAST.sub("", text)
    return text.replace(" (", "(").replace("( ", "(").replace(" )", ")")


def _lowered(text: str) -> str:
    """Lower what is in no quotes."""
    return "".join(
        part if part[:1] in "'\"" and part else part.lower()
        for part in re.split(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")", text)
    )


def _timed(word: str, digits: str | None, zone: str | None) -> str:
    return f"{word}{f'({digits})' if digits else ''} {zone or 'without'} time zone"


def _arrays(text: str) -> tuple[str, str]:
    found = re.search(r"(?:\s*\[\d*\])+$", text)
    # However many dimensions are written, the server keeps one.
    return (text[: found.start()], "[]") if found else (text, "")


def _modifiers(text: str) -> tuple[str, str]:
    found = re.search(r"\s*\(([^()]*)\)$", text)
    if not found:
        return text, ""
    return text[: found.start()], "(" + ",".join(part.strip() for part in found[1].split(",")) + ")"
