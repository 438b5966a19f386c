"""The roles that Supabase makes in every project, each with the most that any version of the platform gives it.

The facts are those of the migrations of supabase/postgres and of the roles that hosted projects of PostgreSQL 15 and 17
have. What one version gives and another does not is in here, since nobody of the project has given it.
"""

from __future__ import annotations

from typing import Final

from ops.access_settings import Access, Role

API: Final = ("anon", "authenticated")
# It logs in for each request and becomes what the token says; what it inherited, a request without a token would have.
BECOMES_ONLY: Final = "authenticator"
# The platform's own command line gets a new password for each of these, which ends with the hour.
SHORT_LIVED: Final = ("cli_login_postgres", "cli_login_supabase_read_only_user")

_HELD = (*API, "service_role")
_KEYS = ("pgsodium_keyholder", "pgsodium_keyiduser", "pgsodium_keymaker")
_SERVER = ("pg_monitor", "pg_read_all_data", "pg_signal_backend", "pg_create_subscription")
_OWNERS = (
    "supabase_auth_admin", "supabase_storage_admin", "supabase_functions_admin", "supabase_realtime_admin"
)  # fmt: skip
_HANDED_ON = (*_HELD, "authenticator", *_SERVER, *_KEYS, "pgtle_admin")

ROLES: Final[dict[str, Role]] = {
    "anon": Role(),
    "authenticated": Role(),
    "service_role": Role(bypass_rls=True, member_of=("pgsodium_keyholder", "pgsodium_keyiduser")),
    "authenticator": Role(login=True, member_of=_HELD),
    "postgres": Role(
        login=True,
        bypass_rls=True,
        create_role=True,
        create_database=True,
        replication=True,
        member_of=(*_HANDED_ON, *_OWNERS, "supabase_privileged_role"),
        admin_of=_HANDED_ON,
    ),
    "supabase_admin": Role(
        login=True, superuser=True, bypass_rls=True, create_role=True, create_database=True, replication=True
    ),
    "supabase_auth_admin": Role(login=True, create_role=True),
    "supabase_storage_admin": Role(login=True, create_role=True, member_of=(*_HELD, "authenticator")),
    "supabase_functions_admin": Role(login=True, create_role=True),
    "supabase_realtime_admin": Role(member_of=_HELD),
    "supabase_replication_admin": Role(login=True, replication=True),
    "supabase_read_only_user": Role(
        login=True, bypass_rls=True, member_of=("pg_read_all_data", "pg_monitor")
    ),
    "supabase_etl_admin": Role(
        login=True,
        bypass_rls=True,
        replication=True,
        member_of=("pg_read_all_data", "pg_monitor", "supabase_privileged_role"),
    ),
    "supabase_privileged_role": Role(),
    "dashboard_user": Role(create_role=True, create_database=True, replication=True),
    "pgbouncer": Role(login=True),
    "pgsodium_keyiduser": Role(),
    "pgsodium_keyholder": Role(member_of=("pgsodium_keyiduser",)),
    "pgsodium_keymaker": Role(member_of=("pgsodium_keyholder", "pgsodium_keyiduser")),
    "pgtle_admin": Role(),
    "cli_login_postgres": Role(login=True, member_of=("postgres",)),
    "cli_login_supabase_read_only_user": Role(login=True, member_of=("supabase_read_only_user",)),
}


def allowed(name: str, access: Access) -> Role | None:
    """Return what a role may at most: by the platform and by what is declared. None: nobody has decided."""
    base, declared = ROLES.get(name), access.roles.get(name)
    if base is None or declared is None:
        return base or declared
    both = base.model_dump() | {
        field: getattr(base, field) or value for field, value in declared.model_dump().items()
    }
    both |= {
        "member_of": (*base.member_of, *declared.member_of),
        "admin_of": (*base.admin_of, *declared.admin_of),
    }
    if name in API:
        # Nothing that anybody declares makes it right that a visitor passes policies by.
        both |= {"superuser": False, "bypass_rls": False}
    return Role.model_validate(both)
