"""What a script would do that is wrong without an error, or that a reader should know before it runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ops import lexer
from ops.nature import Nature
from ops.statements import Script, Statement


@dataclass(frozen=True, slots=True)
class Hazard:
    """A sentence about one statement; one that `blocks` must not run as a migration.

    `rule` is a word for machines, such as `open-transaction` or `server-wide`.
    """

    rule: str
    statement: Statement
    message: str
    blocks: bool = False

    @property
    def place(self) -> str:
        return f"{self.statement.line}:{self.statement.column}"


def of(script: Script) -> list[Hazard]:
    """Return the hazards of a script in the order of its lines."""
    found = [*_of_psql(script), *_of_transactions(script)]
    for statement in script.statements:
        found += _of_statement(statement)
    return sorted(found, key=lambda hazard: hazard.statement.offset)


def _of_psql(script: Script) -> Iterator[Hazard]:
    for command in script.meta_commands:
        word = command.text.split(maxsplit=1)[0] if command.text.strip() else "the data"
        if word.startswith("\\") and script.error_at and not _COMMAND.match(word):
            message = _BROKEN.format(error=script.parse_error, word=word, line=command.line)
            yield Hazard("psql", script.error_at, message, blocks=True)
            return
        if word.startswith(("\\restrict", "\\unrestrict")):
            yield Hazard("psql", command, _RESTRICT.format(word=word), blocks=True)
        elif word.startswith("\\"):
            yield Hazard("psql", command, _META.format(word=word), blocks=True)
        elif word.startswith(":"):
            yield Hazard("psql", command, _VARIABLE.format(word=word), blocks=True)


# A backslash before anything else belongs to a string that an unescaped quote has ended.
_COMMAND = re.compile(r"\\[A-Za-z!?;.\\]")
_BROKEN = (
    "{error}, and from there on nobody can tell what is a string ({word} on line {line} would be a command of psql), "
    "so the file cannot be applied. Mend the quotes: in a string a quote is doubled (''), not escaped by \\."
)
_META = (
    "{word} is a command of psql, which neither the server nor the Supabase CLI understands, so the file "
    "cannot "
    "be applied. Write the SQL itself; psql's commands may stand in rollback, contract, test and seed files."
)
_RESTRICT = (
    "{word} is a command of psql that pg_dump writes, and the server does not understand it, so the file "
    "cannot "
    "be applied. Delete the \\restrict and \\unrestrict lines: nothing else needs them."
)
_VARIABLE = (
    "{word} is a variable of psql, which the server does not understand, so the file cannot be applied. "
    "Write the value itself."
)


def _of_transactions(script: Script) -> Iterator[Hazard]:
    found, plan = script.statements, script.plan
    if plan.open is not None:
        yield Hazard("open-transaction", found[plan.open], _OPEN, blocks=True)
    for index in plan.thrown_away:
        yield Hazard("rollback", found[index], _ROLLBACK, blocks=True)
    for index in plan.prepared:
        yield Hazard("prepared-transaction", found[index], _PREPARED, blocks=True)
    for index, begin in plan.trapped:
        message = _TRAPPED.format(what=_title(found[index]), line=found[begin].line)
        yield Hazard("trapped", found[index], message, blocks=True)
    for index in plan.nested:
        yield Hazard("nested-begin", found[index], "BEGIN inside a transaction does nothing")
    for index in plan.stray:
        yield Hazard("stray-commit", found[index], "COMMIT without a BEGIN before it ends what ran so far")
    yield from _of_borders(script)


_OPEN = (
    "opens a transaction that nothing ends, so everything after it would be lost when the connection closes, "
    "without an error. Add COMMIT at the end, or take this line out: the file runs in one transaction anyway."
)
_ROLLBACK = (
    "throws away what ran before it, while the history would say that the file was applied. "
    "Take the ROLLBACK out, or make it a COMMIT."
)
_PREPARED = (
    "leaves a prepared transaction behind, which holds its locks until somebody ends it. Use COMMIT instead."
)
_TRAPPED = (
    "{what} cannot run inside the transaction that line {line} begins, so the file fails every time. "
    "Move it after the COMMIT, or into a file of its own."
)


def _of_borders(script: Script) -> Iterator[Hazard]:
    begins = [s for s in script.statements if s.nature is Nature.BEGIN]
    if begins and script.transactional:
        yield Hazard(
            "own-transaction", begins[0], "its own BEGIN and COMMIT give way to the transaction it runs in"
        )
    elif begins:
        yield Hazard(
            "own-transaction", begins[0], f"its own transaction control makes {len(script.units)} units of it"
        )
    for statement in begins:
        if len(lexer.words(statement.text)) > 2:
            yield Hazard(
                "isolation", statement, f"{statement.text!r}: the transaction's mode is not taken over"
            )
    if script.transactional:
        return
    for statement in script.statements:
        if statement.nature is Nature.ALONE:
            yield Hazard("outside", statement, f"{_title(statement)} runs outside a transaction")
        elif statement.nature is Nature.ENDS_ITSELF:
            yield Hazard("outside", statement, "the DO block ends transactions itself and runs outside one")


def _title(statement: Statement) -> str:
    return " ".join(re.findall(r"[A-Za-z]+", statement.text)[:3]).upper()


def _of_statement(statement: Statement) -> Iterator[Hazard]:
    look = _BY_KIND.get(statement.kind)
    if look:
        yield from look(statement)
    lowered = statement.text.lower()
    if "supabase_migrations" in lowered or "runbooks" in lowered:
        yield from _of_history(statement)
    if "set_config" in lowered and _SEARCH_PATH.search(lowered):
        yield Hazard(
            "search-path", statement, "sets search_path for the rest of the session, not only for itself"
        )


_SEARCH_PATH = re.compile(r"set_config\s*\(\s*'search_path'\s*,\s*'[^']*'\s*,\s*(?:false|'f|'false)")


def _server_wide(statement: Statement) -> Iterator[Hazard]:
    message = (
        f"{_title(statement)} acts on the whole server, not on this database, and cannot be undone with "
        "it, so a "
        "migration must not do it. Do it by hand or in the provider's settings, and take it out of the file."
    )
    yield Hazard("server-wide", statement, message, blocks=True)


def _note(rule: str, message: str) -> Callable[[Statement], Iterator[Hazard]]:
    def look(statement: Statement) -> Iterator[Hazard]:
        yield Hazard(rule, statement, f"{_title(statement)} {message}")

    return look


def _copy(statement: Statement) -> Iterator[Hazard]:
    words = lexer.words(statement.text)
    if "stdin" in words and "from" in words:
        yield Hazard("psql", statement, _COPY_STDIN, blocks=True)
    elif "stdout" in words:
        yield Hazard("psql", statement, _COPY_STDOUT, blocks=True)
    else:
        yield Hazard("server-files", statement, _COPY_FILE, blocks=True)


_COPY_STDIN = (
    "COPY FROM stdin takes its rows from psql, not from the server, so the file cannot be applied. Write "
    "INSERT "
    "statements (`pg_dump --inserts` does), or move the rows to a seed file."
)
_COPY_STDOUT = (
    "COPY TO stdout sends rows to a client that does not take them, so the file cannot be applied. "
    "Use SELECT."
)
_COPY_FILE = (
    "COPY with a file or a program works on the database server's own disk, where a migration has no "
    "files, so "
    "it is not applied. Write INSERT statements, or load the rows by psql's \\copy outside the migrations."
)


def _block(statement: Statement) -> Iterator[Hazard]:
    for match in _SWALLOWS.finditer(statement.text):
        if not _RAISES.search(statement.text, match.end()):
            message = "the DO block catches every error (WHEN OTHERS), so a failure inside it goes unnoticed"
            yield Hazard("swallowed-error", statement, message)
            return


_SWALLOWS = re.compile(r"\bexception\s+when\s+others\s+then\b", re.IGNORECASE)
_RAISES = re.compile(r"\braise\s*(?:;|exception\b)", re.IGNORECASE)


def _setting(statement: Statement) -> Iterator[Hazard]:
    words = [word for word in lexer.words(statement.text) if word not in {"local"}]
    if words[:2] == ["set", "role"] or words[:3] == ["set", "session", "role"]:
        yield Hazard("role-change", statement, "SET ROLE: what follows runs, and is owned, as another role")
    elif words[:3] == ["set", "session", "authorization"]:
        yield Hazard("role-change", statement, "SET SESSION AUTHORIZATION: what follows runs as another user")


def _of_history(statement: Statement) -> Iterator[Hazard]:
    if statement.kind in {"create_function_stmt", "comment_stmt"}:
        return
    text = statement.text if statement.kind == "do_stmt" else _without_strings(statement.text)
    if _EDITS_HISTORY.search(text):
        yield Hazard("history", statement, _HISTORY, blocks=True)


_EDITS_HISTORY = re.compile(
    r"""\b(?:insert\s+into|update|delete\s+from|merge\s+into|truncate(?:\s+table)?|copy
         |drop\s+(?:table|schema)|alter\s+(?:table|schema))
        \s+(?:if\s+exists\s+)?(?:only\s+)?(?:"?supabase_migrations"?\b|"?runbooks"?\s*\.)""",
    re.IGNORECASE | re.VERBOSE,
)
_HISTORY = (
    "edits the migration history, which the runbook and the Supabase CLI write themselves, so what is "
    "pending "
    "would be wrong. Take it out; `supabase migration repair` mends a history."
)


def _without_strings(text: str) -> str:
    out = list(text)
    for token in lexer.tokens(text):
        if token.kind in {"quoted", "dollar"} and text[token.start] != '"':
            out[token.start : token.end] = " " * (token.end - token.start)
    return "".join(out)


_OUTLIVES = "outlives this database: roles belong to the whole server"
_BY_KIND: dict[str, Callable[[Statement], Iterator[Hazard]]] = {
    "alter_system_stmt": _server_wide,
    "createdb_stmt": _server_wide,
    "dropdb_stmt": _server_wide,
    "create_table_space_stmt": _server_wide,
    "drop_table_space_stmt": _server_wide,
    "alter_table_space_options_stmt": _server_wide,
    "create_role_stmt": _note("role", _OUTLIVES),
    "alter_role_stmt": _note("role", _OUTLIVES),
    "alter_role_set_stmt": _note("role", _OUTLIVES),
    "drop_role_stmt": _note("role", _OUTLIVES),
    "alter_database_set_stmt": _note(
        "database-setting", "changes every session that opens later, not this one"
    ),
    "create_event_trig_stmt": _note("event-trigger", "reacts to every later DDL, its own rollback included"),
    "create_subscription_stmt": _note("subscription", "reaches out to another server"),
    "lock_stmt": _note("lock", "holds its lock until the transaction ends"),
    "copy_stmt": _copy,
    "do_stmt": _block,
    "variable_set_stmt": _setting,
}
