"""Where pgTAP comes from: the server's own extension, or our stand-in where it has none."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ops import database, queries
from ops.shape import offered
from ops.statements import Script, Statement
from ops.verdict import ContractFile

NAME = "pgtap"
_CREATES = re.compile(r"\bcreate\s+extension\b[^;]*\bpgtap\b", re.IGNORECASE)
_ELSEWHERE = re.compile(r"\bschema\s+\"?(?!extensions\b)\w", re.IGNORECASE)
_UNDEFINED = re.compile(r"42883 function (?P<name>[\w.]+)\(|3F000 schema \"(?P<schema>\w+)\" does not exist")
# What pgTAP has and the stand-in has not; other functions that are missing are the project's own.
LACKING = frozenset({
    "can", "cast_context_is", "casts_are", "do_tap", "domain_type_is",
    "domain_type_isnt", "fdw_privs_are", "findfuncs", "has_cast", "has_leftop",
    "has_opclass", "has_operator", "has_rightop", "has_rule", "hasnt_cast", "hasnt_leftop", "hasnt_opclass",
    "hasnt_operator", "hasnt_rightop", "hasnt_rule", "index_owner_is", "is_ancestor_of", "is_descendent_of",
    "is_partition_of", "is_partitioned", "is_window", "isnt_ancestor_of", "isnt_descendent_of",
    "isnt_partitioned", "isnt_window", "language_is_trusted", "language_owner_is", "language_privs_are",
    "opclass_owner_is", "opclasses_are", "operators_are", "os_name", "performs_within", "rule_is_instead",
    "rule_is_on", "runtests", "server_privs_are", "tablespace_owner_is", "tablespace_privs_are",
    "type_owner_is",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """The SQL that gives a session pgTAP, `once` for all files and for `each`; `stands_in`: it is not pgTAP itself."""

    once: str
    each: str
    stands_in: bool

    def explained(self, file: ContractFile) -> ContractFile:
        """Return a suite's result with a word on what it needs and cannot have here."""
        missing = _UNDEFINED.search(file.error or "")
        name = (missing["name"] or f"{missing['schema']}.") if missing else ""
        advice = _advice(name.lower(), stands_in=self.stands_in)
        return file.model_copy(update={"error": f"{file.error}. {advice}"}) if advice else file


def find(connection: database.Connection) -> Source:
    """Return where a session of this database gets pgTAP from."""
    stands_in, has_schema = connection.execute(queries.load("pgtap/offered")).fetchone() or (None, False)
    if stands_in is not None:
        place = " with schema extensions" if has_schema else ""
        return Source("", f"create extension if not exists pgtap{place};\n", stands_in)
    schema = "extensions" if has_schema else NAME
    created = "" if has_schema else f"create schema {NAME};\ngrant usage on schema {NAME} to public;\n"
    path = f"select set_config('search_path', current_setting('search_path') || ', {schema}', false);\n"
    loaded = f"set local search_path = {schema}, pg_catalog;\n{stand_in()}\nreset search_path;\n"
    return Source(created + loaded, path, stands_in=True)


def stand_in() -> str:
    """Return the scripts of the stand-in in the order of its versions."""
    scripts = {
        tuple(file.name.removesuffix(".sql").split("--")[1:]): file.read_text("utf-8")
        for file in offered.stand_ins()
        if file.name.startswith(f"{NAME}--")
    }
    (version,) = next(steps for steps in scripts if len(steps) == 1)
    texts = [scripts[version,]]
    while following := next((steps for steps in scripts if len(steps) == 2 and steps[0] == version), None):
        texts.append(scripts[following])
        version = following[1]
    return "\n".join(texts)


def creates(statement: Statement) -> bool:
    """Whether a statement only makes sure that there is pgTAP, where Supabase would have it."""
    return bool(_CREATES.search(statement.text)) and not _ELSEWHERE.search(statement.text)


def created_by(script: Script) -> bool:
    """Whether a file creates pgTAP in a place of its own, so that nobody else may."""
    return any(_CREATES.search(s.text) and not creates(s) for s in script.statements)


def _advice(function: str, *, stands_in: bool) -> str | None:
    if stands_in and function in LACKING:
        return (
            f"{function}() is pgTAP's, and what stands in for pgTAP on this server lacks it: rehearse on a server "
            "that has pgTAP (Debian: postgresql-NN-pgtap) by --bindir or --database"
        )
    if function.startswith("tests."):
        return (
            "The schema tests is that of supabase_test_helpers, which nothing has installed here: install them in "
            "the first test file or in a migration (https://github.com/usebasejump/supabase-test-helpers)"
        )
    return None
