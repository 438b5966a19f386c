"""Files that are merely odd: they run, and what is odd is said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.bad.kind import FILE

_GOOD = "create table private.good (id bigint);\n"
_DUMP = (
    "--\n-- PostgreSQL database dump\n--\nSET statement_timeout = 0;\nSET lock_timeout = 0;\n"
    "SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n"
    "SELECT pg_catalog.set_config('search_path', '', false);\nSET row_security = off;\n"
)


@dataclass(frozen=True)
class Odd:
    """One odd file that makes `private.good`, and words of the finding about it, or "" where there is none."""

    name: str
    finding: str
    content: str | bytes
    transactional: bool = True

    def write(self, root: Path) -> None:
        """Put the file into a project, and another one after it that wants the usual session."""
        path = root / FILE
        path.write_bytes(self.content.encode() if isinstance(self.content, str) else self.content)
        after = root / "supabase/migrations/20260103000000_after.sql"
        after.write_text(
            "create table notes_after (id uuid default uuid_generate_v4());\n"
            "alter table notes_after enable row level security;\n"
            "create policy readable on notes_after for select to authenticated using (true);\n"
        )


ODD = (
    Odd("byte order mark", "byte order mark", b"\xef\xbb\xbf" + _GOOD.encode()),
    Odd("Windows line ends", "CRLF", f"-- a\r\n{_GOOD}".replace("\n", "\r\n").replace("\r\r", "\r")),
    Odd("old Mac line ends", "", f"-- a comment\r{_GOOD}-- the end\r".replace("\n", "\r")),
    Odd("no final newline", "does not end with a newline", _GOOD.rstrip()),
    Odd("no final semicolon", "", _GOOD.replace(";", "")),
    Odd("invisible character", "U+200B, at 1:6", f"-- a \u200bb\n{_GOOD}"),
    Odd("no-break space in a comment", "", f"-- a\u00a0b\n{_GOOD}"),
    Odd("own BEGIN and COMMIT", "give way to the transaction", f"BEGIN;\n{_GOOD}COMMIT;\n"),
    Odd("BEGIN twice", "BEGIN inside a transaction", f"begin;\nbegin;\n{_GOOD}commit;\n"),
    Odd("COMMIT alone", "COMMIT without a BEGIN", f"{_GOOD}commit;\n"),
    Odd("two transactions", "makes 2 units", f"begin;\n{_GOOD}commit;\nbegin;\nselect 1;\ncommit;\n", False),
    Odd("savepoints", "", f"savepoint a;\nselect 1;\nrollback to a;\n{_GOOD}savepoint b;\n"),
    Odd("SET ROLE left", "SET ROLE", f"{_GOOD}set role anon;\n"),
    Odd("search path left", "search_path", f"{_DUMP}{_GOOD}"),
    Odd("search path set", "", f"set search_path = nowhere;\n{_GOOD}"),
    Odd("timeouts left", "", f"set lock_timeout = 1;\nset idle_in_transaction_session_timeout = 0;\n{_GOOD}"),
    Odd(
        "error swallowed",
        "goes unnoticed",
        f"do $$ begin perform 1/0; exception when others then null; end $$;\n{_GOOD}",
    ),
    Odd(
        "VACUUM in the middle",
        "VACUUM PUBLIC NOTES runs outside",
        f"select 1;\nvacuum public.notes;\n{_GOOD}",
        False,
    ),
    Odd(
        "index outside",
        "CREATE INDEX CONCURRENTLY",
        f"create index concurrently i on public.notes (body);\n{_GOOD}",
        False,
    ),
    Odd("COMMIT in a block", "ends transactions itself", f"do $$ begin commit; end $$;\n{_GOOD}", False),
    Odd(
        "COMMIT in a procedure",
        "",
        f"create procedure private.p() language plpgsql as $$ begin commit; end $$;\ncall private.p();\n{_GOOD}",
        False,
    ),
    Odd(
        "enum value used at once",
        "",
        "create type private.mood as enum ('a');\nalter type private.mood add value 'b';\n"
        f"select 'b'::private.mood;\n{_GOOD}",
        False,
    ),
    Odd("LOCK TABLE", "holds its lock until", f"lock table public.notes;\n{_GOOD}"),
    Odd(
        "psql's signs in strings",
        "",
        f"select '\\connect x', ':a', $$ \\i b $$, 'a'::text, e'\\\\.';\n{_GOOD}",
    ),
    Odd(
        "semicolons in strings", "", f'select \';\', $a$;$a$, "x;y" from (values (1)) as v ("x;y");\n{_GOOD}'
    ),
    Odd("nested comments", "", f"/* a /* b; */ c; */\n{_GOOD}"),
    Odd("only semicolons around", "", f";;\n{_GOOD};;\n"),
    Odd("a large file", "", f"{'-- a comment of some length, again and again' * 3}\n" * 30_000 + _GOOD),
    Odd("many statements", "", "select 1;\n" * 2_000 + _GOOD),
    Odd("a long line", "", f"select '{'x' * 1_000_000}';\n{_GOOD}"),
    Odd("conflict marks in a comment", "", f"/*\n=======\n*/\n{_GOOD}"),
    Odd("LISTEN and NOTIFY", "", f"listen a;\nnotify a, 'b';\n{_GOOD}"),
    Odd("deferred constraints", "", f"set constraints all deferred;\n{_GOOD}"),
    Odd(
        "many notices",
        "",
        f"do $$ begin for i in 1..500 loop raise notice '%', i; end loop; end $$;\n{_GOOD}",
    ),
    Odd("advisory locks let go", "", f"select pg_advisory_unlock_all();\n{_GOOD}"),
    Odd("DISCARD ALL", "", f"discard all;\n{_GOOD}", False),
    Odd(
        "a partitioned table reindexed",
        "run statement by statement",
        "create table private.parts (id int) partition by range (id);\nreindex table private.parts;\n"
        + _GOOD,
        False,
    ),
    Odd("rows returned", "", f"select generate_series(1, 10000);\n{_GOOD}"),
)
EMPTY = {
    "no byte": b"",
    "spaces": b" \n\t\n",
    "comments": b"-- nothing yet\n/* still\nnothing */\n",
    "mark": b"\xef\xbb\xbf",
    "semicolon": b";\n",
}
