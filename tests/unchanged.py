"""All that a reader could see of a database, to compare before with after."""

from __future__ import annotations

from typing import Any

from tests import fix_app

_CATALOGS = (
    "select oid, nspname, nspacl::text from pg_namespace where nspname !~ '^pg_(toast_)?temp' order by 1",
    "select oid, relname, relfilenode, relacl::text from pg_class order by 1",
    "select oid, proname, md5(prosrc), proacl::text from pg_proc order by 1",
    "select oid, typname from pg_type order by 1",
    "select oid, polname from pg_policy order by 1",
    "select oid, tgname, tgenabled from pg_trigger order by 1",
    "select * from pg_extension order by 1",
    "select setrole, setconfig from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase"
    " where d.datname = current_database() order by 1",
    "select datacl::text, shobj_description(oid, 'pg_database') from pg_database where datname = current_database()",
)


def seen(admin: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row, every sequence and every object, as a superuser sees them."""
    return {**fix_app.contents(admin), **{question: fix_app.ask(admin, question) for question in _CATALOGS}}
