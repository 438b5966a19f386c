"""The security lints of Supabase's advisors on a whole database: all of them in one query, whatever its size.

Source: supabase-operations.md, "Quarterly" (audit RLS policies; ensure no table exposed without policy).
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, cast

from psycopg import sql
from psycopg.rows import class_row

from ops import database, queries
from ops.checks import Finding, Severity
from ops.lint_words import WORDS, Level, Words

DEFAULT_SERVED = ("public", "graphql_public")
# What stands in these the platform or an extension has made, or this tool: it is theirs to guard.
PLATFORM = (
    "_timescaledb_cache", "_timescaledb_catalog", "_timescaledb_config", "_timescaledb_internal", "auth", "cron",
    "extensions", "graphql", "graphql_public", "information_schema", "net", "pg_catalog", "pgbouncer", "pgmq",
    "pgroonga", "pgsodium", "pgsodium_masks", "pgtle", "realtime", "repack", "runbooks", "storage",
    "supabase_functions", "supabase_migrations", "tiger", "topology", "vault",
)  # fmt: skip
_GIVEN = ("lints/relations", "lints/policies")
_SEVERITY: dict[Level, Severity] = {"ERROR": "failed", "WARN": "attention", "INFO": "note"}
_LISTING = "0025_public_bucket_allows_listing"
FILES = (
    "0001_unindexed_foreign_keys",
    "0002_auth_users_exposed",
    "0003_auth_rls_initplan",
    "0004_no_primary_key",
    "0005_unused_index",
    "0006_multiple_permissive_policies",
    "0007_policy_exists_rls_disabled",
    "0008_rls_enabled_no_policy",
    "0009_duplicate_index",
    "0010_security_definer_view",
    "0011_function_search_path_mutable",
    "0013_rls_disabled_in_public",
    "0014_extension_in_public",
    "0015_rls_references_user_metadata",
    "0016_materialized_view_in_api",
    "0017_foreign_table_in_api",
    "0018_unsupported_reg_types",
    "0019_insecure_queue_exposed_in_api",
    "0021_fkey_to_auth_unique",
    "0022_extension_versions_outdated",
    "0023_sensitive_columns_exposed",
    "0024_rls_policy_always_true",
    _LISTING,
    "0026_pg_graphql_anon_table_exposed",
    "0027_pg_graphql_authenticated_table_exposed",
    "0028_anon_security_definer_function_executable",
    "0029_authenticated_security_definer_function_executable",
)
AUDITED = tuple(words.file(name) for name, words in WORDS.items() if words.audited)


@dataclass(frozen=True, slots=True)
class Lint:
    """One object that a lint names; `part` tells several of one object apart, such as a policy or the arguments.

    `cache_key` is the identity that the public linter gives the same thing.
    """

    lint: str
    schema: str
    name: str
    type: str
    part: str
    cache_key: str
    facts: dict[str, Any]

    @property
    def words(self) -> Words:
        """What the lint means."""
        return WORDS[self.lint]

    @property
    def object(self) -> str:
        """The object as people write it."""
        if self.type == "extension":
            return self.name
        whole = f"{self.schema}.{self.name}"
        if self.type == "function":
            return f"{whole}({self.part})"
        return f"{whole} {self.part}" if self.part else whole

    @property
    def finding(self) -> Finding:
        """The lint as a finding of a scheduled check."""
        given = {name: _listed(value) for name, value in self.facts.items()} | {
            "object": self.object,
            "schema": self.schema,
            "name": self.name,
            "part": self.part,
            "identifier": sql.Identifier(self.schema, self.name).as_string(),
        }
        words = self.words
        return Finding(
            kind=self.lint,
            object=self.object,
            severity=_SEVERITY[words.level],
            said=words.said.format_map(given),
            why=words.why,
            todo=words.todo.format_map(given),
        )


@dataclass(frozen=True, slots=True)
class Linted:
    """What all lints name, ordered by lint and object, and which could not be asked."""

    served: tuple[str, ...]
    lints: tuple[Lint, ...]
    unasked: tuple[str, ...] = ()


def check(
    connection: database.Connection,
    *,
    served: Sequence[str] = DEFAULT_SERVED,
    only: Collection[str] = FILES,
) -> Linted:
    """Run the lints and return everything that they name; `only` are names of files.

    `served` are the schemas of the API where neither the session nor the login of the API has them set.

    Raises:
        Unavailable: the connection is lost.
    """
    # Names are written with their schema only where it is not on the search path: the predicates must not depend on it.
    with database.translating(), connection.transaction(force_rollback=True):
        # Compiling a query that is run once costs more than it saves.
        connection.execute("set local search_path = ''; set local jit = off")
        with connection.cursor(row_factory=class_row(_Api)) as cursor:
            (api,) = cursor.execute(queries.load("lints/served")).fetchall()
        schemas = api.schemas(served)
        files = tuple(each for each in FILES if each in only and (api.has_buckets or each != _LISTING))
        values = {"served": list(schemas), "platform": list(PLATFORM)}
        with connection.cursor(row_factory=class_row(Lint)) as cursor:
            rows = cursor.execute(_query(files), values).fetchall() if files else []
    unasked = (_LISTING,) if _LISTING in only and not api.has_buckets else ()
    return Linted(schemas, tuple(sorted(rows, key=_order)), unasked)


@dataclass(frozen=True, slots=True)
class _Api:
    """What this session and the login of the API have set as its schemas, and whether the buckets can be read."""

    of_session: str | None
    of_authenticator: str | None
    has_buckets: bool

    def schemas(self, otherwise: Sequence[str]) -> tuple[str, ...]:
        said = self.of_authenticator if self.of_session is None else self.of_session
        return (
            tuple(otherwise)
            if said is None
            else tuple(name for each in said.split(",") if (name := each.strip()))
        )


@functools.cache
def _query(files: tuple[str, ...]) -> LiteralString:
    return queries.union(*(f"lints/{each}" for each in files), given=_GIVEN)


def _order(lint: Lint) -> tuple[int, str, str, str]:
    return lint.words.number, lint.schema, lint.name, lint.part


def _listed(value: object) -> object:
    return ", ".join(map(str, cast("list[object]", value))) if isinstance(value, list) else value
