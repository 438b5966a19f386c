"""What each security lint means: its level, what it says of an object, what that leads to and what to do.

The names and numbers are those of Supabase's public linter, so that a finding here and an advice in the dashboard
are recognisably the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ERROR", "WARN", "INFO"]


@dataclass(frozen=True, slots=True)
class Words:
    """`said` and `todo` are filled in with the names of the object and with the facts of the lint."""

    number: int
    level: Level
    said: str
    why: str
    todo: str
    audited: bool = True

    def file(self, name: str) -> str:
        """Return the name of the file that holds the question of the lint called `name`."""
        return f"{self.number:04}_{name}"


_READ_BY_ALL = "Whoever has the public key of the project reads it whole, row by row, without an account."
_PER_ROW = "A predicate that is run for every row makes a query slower by as much as the table is long."
_DEFINER = "It runs with the rights of its owner, for whom no policy holds, and answers whoever calls it."
_REVOKE_SELECT = (
    "Run: revoke select on {identifier} from public, anon, authenticated; or move it where no API looks."
)
_ENABLE = "Run: alter table {identifier} enable row level security; and write a policy for whoever is meant to read it."

WORDS: dict[str, Words] = {
    "unindexed_foreign_keys": Words(
        1, "INFO",
        "The foreign key {part} of {object} has no index that begins with its columns.",
        "Deleting a row that is pointed to, and every join over the key, reads the whole table.",
        "Create an index on its columns in their order, with CONCURRENTLY, in a migration of its own.",
        audited=False,
    ),
    "auth_users_exposed": Words(
        2, "ERROR",
        "{object} shows auth.users to {exposed_to} past every policy.",
        "Mail addresses, phone numbers and login data of all users can be read through the API.",
        "Keep what the app shows in a table of its own with policies, and drop the view, or revoke it from API roles.",
    ),
    "auth_rls_initplan": Words(
        3, "WARN",
        'The policy "{part}" on {schema}.{name} asks for the caller again for every row.',
        _PER_ROW,
        "Write the call as a select of its own: (select auth.uid()) in place of auth.uid().",
    ),
    "no_primary_key": Words(
        4, "INFO",
        "{object} has no primary key.",
        "No row of it can be named, so that replication, paging and upserts do not work as they should.",
        "Add one in a migration.",
        audited=False,
    ),
    "unused_index": Words(
        5, "INFO",
        "The index {part} of {schema}.{name} was never used since the statistics began.",
        "Every write of the table keeps it up to date for nobody.",
        "Look whether a replica or a monthly job uses it, and drop it with CONCURRENTLY if none does.",
        audited=False,
    ),
    "multiple_permissive_policies": Words(
        6, "WARN",
        "{schema}.{name} has several permissive policies for {role} on {action}: {policies}.",
        "Each of them opens rows by itself, so that the widest decides; and all are run for every row.",
        "Make one policy of them, or make those that are meant to narrow restrictive.",
    ),
    "policy_exists_rls_disabled": Words(
        7, "ERROR",
        "{object} has policies that do nothing, since row level security is off: {policies}.",
        "The table looks guarded in every list of policies, and is not.",
        "Run: alter table {identifier} enable row level security;",
    ),
    "rls_enabled_no_policy": Words(
        8, "INFO",
        "{object} has row level security on and no policy.",
        "API roles see no row of it. That may be meant; then their privileges are for nothing.",
        "Write a policy for whoever should see it, or revoke the privileges of API roles if nobody should.",
    ),
    "duplicate_index": Words(
        9, "WARN",
        "{schema}.{name} has the same index several times: {indexes}.",
        "Every write keeps all of them up to date, and one would do.",
        "Drop all but one, with CONCURRENTLY.",
        audited=False,
    ),
    "security_definer_view": Words(
        10, "ERROR",
        "The view {object} reads with its owner's rights for {readers}.",
        "The policies of the tables below it do not hold for whoever reads the view.",
        "Run: alter view {identifier} set (security_invoker = true);",
    ),
    "function_search_path_mutable": Words(
        11, "WARN",
        "{object} looks names up along the search path of whoever calls it.",
        "Who can put an object of the same name into a schema before it makes the function do something else.",
        "Run: alter function {identifier}({part}) set search_path = ''; and write each name in it with its schema.",
    ),
    "rls_disabled_in_public": Words(
        13, "ERROR",
        "{object} has row level security off, and {readers} may read it through the API.",
        _READ_BY_ALL,
        _ENABLE,
    ),
    "extension_in_public": Words(
        14, "WARN",
        "The extension {name} is installed in the schema public.",
        "Its functions and types are served by the API, and stand in the way of the project's own names.",
        "Run: alter extension {name} set schema extensions; if it can be moved.",
    ),
    "rls_references_user_metadata": Words(
        15, "ERROR",
        'The policy "{part}" on {schema}.{name} believes user_metadata, which every user may write for themselves.',
        "Whoever is signed in makes themselves an administrator, or a member of any tenant.",
        "Ask app_metadata, which only the service may write, or a table of memberships.",
    ),
    "materialized_view_in_api": Words(
        16, "WARN",
        "The materialized view {object} may be read by {readers}, and no policy can guard it.",
        _READ_BY_ALL,
        _REVOKE_SELECT,
    ),
    "foreign_table_in_api": Words(
        17, "WARN",
        "The foreign table {object} may be read by {readers}, and no policy can guard it.",
        _READ_BY_ALL,
        _REVOKE_SELECT,
    ),
    "unsupported_reg_types": Words(
        18, "WARN",
        "The column {part} of {schema}.{name} has the type {column_type}.",
        "The server cannot be upgraded to its next major version while there is one.",
        "Keep the name as text in its place.",
    ),
    "insecure_queue_exposed_in_api": Words(
        19, "ERROR",
        "The queue {object} has row level security off, and {readers} may read it through the API.",
        "Whoever has the public key reads, changes and deletes the messages of the queue.",
        _ENABLE,
    ),
    "fkey_to_auth_unique": Words(
        21, "ERROR",
        "The foreign key {part} of {schema}.{name} points to a unique column of the schema auth.",
        "The platform changes those in its own migrations, which then fail on this project.",
        "Point to the primary key, auth.users (id).",
    ),
    "extension_versions_outdated": Words(
        22, "WARN",
        "The extension {name} is of version {installed_version}; the server has {default_version}.",
        "What was mended since, holes among it, is not mended here.",
        "Read its notes, and run on staging first: alter extension {name} update;",
    ),
    "sensitive_columns_exposed": Words(
        23, "ERROR",
        "{object} has row level security off, is served by the API, and has columns such as {sensitive_columns}.",
        "Secrets or personal data can be read by whoever has the public key of the project.",
        _ENABLE,
    ),
    "rls_policy_always_true": Words(
        24, "WARN",
        'The policy "{part}" on {schema}.{name} lets {roles} {command} any row.',
        "Row level security is on and holds nobody: whoever the policy is for writes or deletes everybody's rows.",
        "Name the owner in USING and WITH CHECK, or the one role that is meant in TO.",
    ),
    "public_bucket_allows_listing": Words(
        25, "WARN",
        "The public bucket {name} can be listed by anybody: {policy_names}.",
        "Files are meant to be found by whoever knows their address; a list of all of them gives every address away.",
        "Drop the policy; a public bucket needs none for its addresses to work.",
    ),
    "pg_graphql_anon_table_exposed": Words(
        26, "WARN",
        "{object} is named in the GraphQL schema to anybody.",
        "Its name, columns and relations can be read without an account, even where no row can.",
        "Revoke select from anon, or drop the extension pg_graphql if the app does not use it.",
        audited=False,
    ),
    "pg_graphql_authenticated_table_exposed": Words(
        27, "WARN",
        "{object} is named in the GraphQL schema to whoever has signed up.",
        "Its name, columns and relations can be read with any account, even where no row can.",
        "Revoke select from authenticated, or drop the extension pg_graphql if the app does not use it.",
        audited=False,
    ),
    "anon_security_definer_function_executable": Words(
        28, "WARN",
        "{object} runs with its owner's rights, and anon may call it through the API.",
        _DEFINER,
        "Run: revoke execute on function {identifier}({part}) from public, anon; or make it security invoker.",
    ),
    "authenticated_security_definer_function_executable": Words(
        29, "WARN",
        "{object} runs with its owner's rights, and whoever has signed up may call it through the API.",
        _DEFINER,
        "Run: revoke execute on function {identifier}({part}) from public, authenticated; or make it security invoker.",
    ),
}  # fmt: skip
