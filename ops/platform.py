"""What of a database is the platform's own and not the project's: hosted Supabase changes it when it likes.

A project's objects may stand in the platform's schemas (a policy on storage.objects, a trigger on auth.users), and
what its migrations make or change there is told by comparing with a database that has seen none of them.
"""

from __future__ import annotations

import re
from collections.abc import Set

from ops import marker, parts
from ops.schema import Key, Snapshot

SCHEMAS = frozenset({*marker.PLATFORM_SCHEMAS, "topology", "tiger"})
# Here an extension makes what it is asked for, and on a throw-away database a stand-in does.
SERVICES = frozenset({"cron", "net", "pgmq", "pgmq_public", "pgsodium", "pgsodium_masks", "vault", "graphql"})
# Every hosted project has them from its first day, some of them depending on that day.
_EXTENSIONS = frozenset(
    {"pg_graphql", "pg_stat_statements", "pgcrypto", "pgjwt", "pgsodium", "plpgsql", "supabase_vault"}
    | {'"uuid-ossp"'}
)
_SAID = frozenset({"grant", "comment", "security label"})
_ROLES = frozenset({"postgres", "dashboard_user", "pgbouncer", "authenticator"})
_PUBLICATION = re.compile(r"\Asupabase_realtime_messages\w*")
_FIRST = re.compile(r'\A((?:"(?:[^"]|"")*"|[^\s".,()]+))\.')
_EXECUTE = re.compile(r'(?i:\bexecute (?:function |procedure )?)("[^"]+"|[^\s".(]+)\.')
_DEFAULT = re.compile(r"\A\w[\w ]* of (?P<role>\S+?)(?: in (?P<schema>\S+))? to \S+\Z")
_GRANTED = re.compile(r"\A(?P<what>[a-z -]+?) (?P<name>\S.*) to (?P<role>\S+)\Z", re.DOTALL)
_OF_SYSTEM = re.compile(r"\A(?:pg_catalog|information_schema)\.")
_OF_SCHEMA = re.compile(r"\Aschema (\S+?)(?: to \S+)?\Z")


def without(snapshot: Snapshot, *, made: Snapshot, bare: Snapshot) -> Snapshot:
    """Leave out what is the platform's own.

    `made` is what the migrations produce on a database that was `bare` before them: what they made or changed
    is the project's, wherever it is.
    """
    own = {
        key for key, text in snapshot.items() if not _is_made(key, made, bare) and _is_own(key, text, bare)
    }
    return {
        key: text
        for key, text in snapshot.items()
        if key not in own and not _is_said_of(own, key, text, made)
    }


def _is_said_of(own: Set[Key], key: Key, text: str, made: Snapshot) -> bool:
    """Whether this is a privilege on, or a comment to, what is the platform's own, and no migration says it."""
    return key[0] in _SAID and key not in made and not own.isdisjoint(parts.owners(key, text))


def _is_made(key: Key, made: Snapshot, bare: Snapshot) -> bool:
    return key in made and made[key] != bare.get(key) and not (places(key, made[key]) & SERVICES)


def _is_own(key: Key, text: str, bare: Snapshot) -> bool:
    kind, identity = key
    if kind == "policy":
        return False
    if kind == "extension":
        return identity in _EXTENSIONS and key not in bare
    if kind == "trigger":
        return bool(places(key, text) & SCHEMAS) and _runs(text) in places(key, text)
    if kind == "event trigger":
        return _runs(text) in SCHEMAS
    if kind == "publication":
        return bool(_PUBLICATION.match(identity))
    if kind == "default privileges":
        return _is_own_default(identity)
    if kind == "grant" and _is_of_system(identity):
        return True
    return bool(places(key, text) & SCHEMAS)


def places(key: Key, text: str) -> frozenset[str]:
    """Return the schemas in which an object is, or that it is."""
    kind, identity = key
    if kind == "schema":
        return frozenset({identity})
    if said := _OF_SCHEMA.match(identity) if kind in _SAID else None:
        return frozenset({said[1]})
    wholes = [identity, *(whole for _, whole in parts.owners(key, text))]
    if kind.startswith("publication "):
        wholes = [identity.partition(": ")[2]]
    return frozenset(found[1] for whole in wholes if (found := _FIRST.match(whole)))


def is_role(name: str) -> bool:
    """Whether a role is the platform's; objects of `postgres` are made by the project or by a person."""
    return name.startswith("supabase_") or name in _ROLES - {"postgres"}


def _runs(text: str) -> str | None:
    found = _EXECUTE.search(text)
    return found[1] if found else None


def _is_own_default(identity: str) -> bool:
    found = _DEFAULT.match(identity)
    if found is None:
        return False
    return found["schema"] in SCHEMAS or (
        found["schema"] == "public" and found["role"].startswith("supabase_")
    )


def _is_of_system(identity: str) -> bool:
    """Whether a right on an object of the server itself was given to a role of the platform."""
    found = _GRANTED.match(identity)
    if found is None or not (found["role"] in _ROLES or found["role"].startswith("supabase_")):
        return False
    unqualified = found["what"] in {"function", "type", "procedure", "aggregate"} and not _FIRST.match(
        found["name"]
    )
    return unqualified or bool(_OF_SYSTEM.match(found["name"]))
