"""The statements that take access back, and where it is declared, as an operator copies them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from psycopg import sql

from ops.access_paths import Membership
from ops.checks import Finding, Severity

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_UNDECIDED = "Whoever has its password or token may do what nobody has decided that they may."
_WHY = {
    "login": "Whoever has its password gets in beside the API, past its limits.",
    "superuser": "It passes every policy and every right by, and may run programs on the server.",
    "bypass_rls": "It reads and writes every row that it has a right on, whatever the policies say.",
    "create_role": "It makes logins of its own, which nobody knows.",
    "replication": "It copies the whole database away, whatever the policies say.",
    "member": "Whoever acts as it may do all of that, and nobody has decided that they may.",
    "admin": "Whoever acts as it makes others members too, and nobody sees whom.",
    "inherits": "A request without a token has these rights already, before anybody has looked who asks.",
    "tables": "Rights that nobody has decided on are noticed by nobody when they are used.",
    "refused": "Whoever uses it is refused.",
}


def finding(kind: str, object: str, severity: Severity, said: str, todo: str, *, why: str = "") -> Finding:
    """Return a finding of the review of access; `why` is the right that it is about."""
    return Finding(
        kind=kind, object=object, severity=severity, said=said, why=_WHY.get(why, _UNDECIDED), todo=todo
    )


def slug(name: str) -> str:
    """Return a name as a part of a finding's kind."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def quoted(*name: str) -> str:
    """Return a name as SQL has it, always with quotes; PUBLIC is no name."""
    return "PUBLIC" if name == ("PUBLIC",) else sql.Identifier(*name).as_string()


def table(*keys: str) -> str:
    """Return the head of a table of runbooks.toml, each key as TOML has it."""
    return f"[{'.'.join(each if _BARE.fullmatch(each) else _toml(each) for each in keys)}]"


def revoke(grants: Iterable[Membership], *, what: str = "") -> str:
    """Return the statements that take a membership back, or only a part of it such as `admin option for`."""
    given = list(grants)
    if not all(each.of_grantor for each in given):
        # Before PostgreSQL 16 a membership is one, whoever gave it.
        given = given[:1]
    return " ".join(
        f"revoke {what}{quoted(each.group)} from {quoted(each.member)}"
        f"{f' granted by {quoted(each.grantor)}' if each.of_grantor else ''};"
        for each in given
    )


def no_inheritance(grants: Iterable[Membership]) -> str:
    """Return the statements after which a member has no rights of a role before it becomes the role."""
    given = list(grants)
    if not all(each.of_grantor for each in given):
        return f"alter role {quoted(given[0].member)} noinherit;"
    return " ".join(
        f"grant {quoted(each.group)} to {quoted(each.member)} with inherit false granted by {quoted(each.grantor)};"
        for each in given
    )


def _toml(key: str) -> str:
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
