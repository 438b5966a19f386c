"""What was pasted where a connection string belongs, told from the text alone, before any parser sees it.

libpq quotes in its errors what it could not read, which may be a piece of the password; so what is wrong
with the text is found here, and only the kind of mistake is named.
"""

from __future__ import annotations

import re

_SCHEME = re.compile(r"^(?P<scheme>[a-z][a-z0-9+.-]*):(?=//)", re.IGNORECASE)
_HOST = r"(?:\[[^\]@/]*\]|[^:@/?#\[\],]*)(?::[^:@/?,]*)?"
_WELL_FORMED = re.compile(rf"[a-z]+://(?:(?P<user>[^@/]*)@)?{_HOST}(?:,{_HOST})*(?:/[^?@]*)?(?:\?.*)?", re.S)
_PLACEHOLDER = re.compile(
    r"\[(?:YOUR|DB|DATABASE|PROJECT)?[-_ ]?(?:PASSWORD|REF|PROJECT|REGION|HOST|USER|ID)[-_A-Z ]*\]"
    r"|<(?:YOUR|DB|DATABASE|PROJECT)?[-_ ]?(?:PASSWORD|REF|PROJECT|REGION|HOST|USER|ID)[-_A-Z ]*>"
    r"|\bYOUR[-_ ](?:DB[-_ ]|DATABASE[-_ ])?(?:PASSWORD|PROJECT|REF|HOST)\b",
    re.IGNORECASE,
)
_KEY = re.compile(r"^(eyJ[\w-]+\.|sb_secret_|sb_publishable_|sbp_)")
_VARIABLE = re.compile(r"\$\{\w+\}|^\$\w+$|^%\w+%$")
_ASSIGNMENT = re.compile(r"^(?:export\s+)?(?P<name>[A-Z_][A-Z0-9_]*)\s*=\s*['\"]?postgres(?:ql)?://")
_COPY = (
    "Copy the session pooler's connection string from the Supabase dashboard (Connect) and put it in instead."
)


def wrong(dsn: str) -> str | None:
    """Return what is wrong with the text as a whole, in a sentence, or None."""
    for check in (_wrapped, _swapped, _other_value, _template, _unencoded):
        if sentence := check(dsn):
            return sentence
    return None


def userinfo(dsn: str) -> str:
    """Return the raw `user:password` of a well-formed URL; "" for everything else."""
    shape = _WELL_FORMED.fullmatch(dsn)
    return (shape["user"] or "") if shape else ""


def _wrapped(dsn: str) -> str | None:
    if not dsn.strip():
        return f"The DSN is empty, so there is no database to reach. {_COPY}"
    named = _ASSIGNMENT.match(dsn.strip())
    if named:
        return (
            f"The DSN is a whole line that sets {named['name']}, so no client can read it. "
            "Keep only what follows the equals sign, without quotes."
        )
    if dsn.strip().startswith(("psql ", "supabase ")):
        return "The DSN is a whole command, so no client can read it. Keep only the URL inside it."
    if dsn != dsn.strip() or dsn[0] in "'\"`" or "\n" in dsn:
        return (
            "The DSN has quotes, spaces or a line break around or inside it, which libpq reads as part of "
            "the value. Remove them."
        )
    return None


def _swapped(dsn: str) -> str | None:
    if dsn.lower() in ("postgres", "postgresql", "sqlite"):
        return (
            f"The DSN is the single word {dsn!r}, which is what DATASTORE holds: the two were swapped, and "
            "there is no database to reach. Put the connection string in DATABASE_URL."
        )
    return None


def _other_value(dsn: str) -> str | None:
    if _KEY.match(dsn):
        return f"The DSN is an API key or access token, which Postgres does not take. {_COPY}"
    scheme = _SCHEME.match(dsn)
    if scheme is None and not dsn.lower().startswith("jdbc:"):
        return None
    name = scheme["scheme"].lower() if scheme else "jdbc"
    if name in ("http", "https"):
        return f"The DSN is the web address of a project ({name}://), which Postgres does not answer. {_COPY}"
    if name not in ("postgres", "postgresql"):
        return (
            f"The DSN starts with {name}:, which libpq does not know, so nothing can connect with it. "
            "Write it as postgresql://user:password@host:port/database."
        )
    return None


def _template(dsn: str) -> str | None:
    if _VARIABLE.search(dsn):
        return (
            "The DSN holds the name of a variable in place of its value, so it was not expanded. "
            "Set the variable, or write the value."
        )
    found = _PLACEHOLDER.search(dsn)
    if found:
        return (
            f"The DSN still holds the placeholder {found[0]}, so no login can succeed. "
            "Replace it, brackets included, by the real value."
        )
    return None


def _unencoded(dsn: str) -> str | None:
    if not _SCHEME.match(dsn) or "@" not in dsn:
        return None
    shape = _WELL_FORMED.fullmatch(dsn)
    login = (shape["user"] or "") if shape else dsn.split("://", 1)[1].rpartition("@")[0]
    signs = [sign for sign in "@/?#[]" if sign in login] if shape is None else []
    if re.search(r"%(?![0-9A-Fa-f]{2})", login):
        signs.append("%")
    if not signs:
        return None
    return (
        f"The user or password in the DSN has an unencoded {' and '.join(signs)}, so the URL is cut in the "
        "wrong place and another host or password would be tried. Percent-encode it (@ %40, / %2F, ? %3F, "
        "# %23, % %25, [ %5B, ] %5D)."
    )
