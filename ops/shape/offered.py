"""Which extensions a throw-away server offers: its own, those that hosted Supabase trusts, and stand-ins."""

from __future__ import annotations

import re
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from ops import binaries
from ops.binaries import Binaries

# What the hosted `postgres` may create although plain Postgres keeps it to superusers.
_TRUSTED = frozenset({
    "address_standardizer", "address_standardizer_data_us", "autoinc", "bloom", "btree_gin", "btree_gist",
    "citext", "cube", "dblink", "dict_int", "dict_xsyn", "earthdistance", "fuzzystrmatch", "hstore", "http",
    "hypopg", "index_advisor", "insert_username", "intarray", "isn", "ltree", "moddatetime", "pg_buffercache",
    "pg_cron", "pg_graphql", "pg_hashids", "pg_jsonschema", "pg_net", "pg_partman", "pg_prewarm", "pg_repack",
    "pg_stat_monitor", "pg_stat_statements", "pg_tle", "pg_trgm", "pg_walinspect", "pgaudit", "pgcrypto",
    "pgjwt", "pgmq", "pgroonga", "pgroonga_database", "pgrouting", "pgrowlocks", "pgsodium", "pgstattuple",
    "pgtap", "plpgsql_check", "plv8", "postgis", "postgis_raster", "postgis_sfcgal", "postgis_tiger_geocoder",
    "postgis_topology", "postgres_fdw", "refint", "rum", "seg", "sslinfo", "supabase_vault", "tablefunc",
    "tcn", "timescaledb", "tsm_system_rows", "tsm_system_time", "unaccent", "uuid-ossp", "vector", "wrappers",
})  # fmt: skip
_OF_EXTENSION = re.compile(r"^select pg_extension_config_dump\(.*\);$", re.MULTILINE)
_SWITCH = re.compile(r"^\s*(trusted|superuser)\s*=.*$", re.MULTILINE)


# What hosted Supabase does after it has created an extension, by the extension's base scripts.
_AFTERWARDS = {
    "postgres_fdw": "grant usage on foreign data wrapper postgres_fdw to postgres with grant option;",
}


def serving(programs: Binaries, home: Path) -> Binaries:
    """Prepare all extensions on offer in `home`, and return the programs of a server that sees them."""
    folder = home / "share" / "extension"
    _write(programs, folder)
    return programs if programs.major >= 18 else binaries.with_extensions(programs, folder, home=home)


def stand_ins() -> tuple[Traversable, ...]:
    """Return the files of the stand-ins, control files and scripts, by name."""
    files = resources.files("ops.shape").joinpath("extensions").iterdir()
    return tuple(sorted(files, key=lambda file: file.name))


def script(extension: str) -> str | None:
    """Return the script of a stand-in, as it runs outside of an extension, or nothing where we have none."""
    for file in stand_ins():
        if file.name.endswith(".sql") and file.name.count("--") == 1 and _extension(file.name) == extension:
            return _OF_EXTENSION.sub("", file.read_text("utf-8"))
    return None


def _write(programs: Binaries, folder: Path) -> None:
    """Fill `folder` with the files of every extension on offer; what is as the server has it is linked."""
    folder.mkdir(parents=True)
    own = {file.name: file for file in (programs.share / "extension").iterdir()}
    for name, file in own.items():
        if _extension(name) in _TRUSTED and file.suffix in {".control", ".sql"}:
            text = _adapted(name, file.read_text(encoding="utf-8"), major=programs.major)
            (folder / name).write_text(text, encoding="utf-8")
        else:
            (folder / name).symlink_to(file)
    for file in stand_ins():
        name = file.name
        if f"{_extension(name)}.control" not in own:
            text = file.read_text("utf-8")
            if _extension(name) in _TRUSTED:
                text = _adapted(name, text, major=programs.major)
            (folder / name).write_text(text, encoding="utf-8")


def _adapted(name: str, text: str, *, major: int) -> str:
    """Return a file of an extension that `postgres` may create, so that a superuser then runs its script.

    A project's own event triggers do not run in there, as they do not on hosted Supabase.
    """
    if name.endswith(".control"):
        return _SWITCH.sub("", text) + "\ntrusted = true\n"
    quiet = "set local event_triggers = off;\n" if major >= 17 else ""
    after = _AFTERWARDS.get(_extension(name), "") if name.count("--") == 1 else ""
    return f"{quiet}{text}\n{after}\n"


def _extension(file: str) -> str:
    return file.removesuffix(".control").split("--")[0]
