"""Files that are refused before anything runs."""

from __future__ import annotations

import os
from pathlib import Path

from tests.bad.kind import Bad

_CONFLICT = "select 1;\n<<<<<<< HEAD\nselect 2;\n=======\nselect 3;\n>>>>>>> theirs\n"
_LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22e\nsize 1234\n"
_DUMP = (
    "--\n-- PostgreSQL database dump\n--\n\n\\restrict kQ8yXW\n\n-- Dumped from database version 17.6\n\n"
    "SET statement_timeout = 0;\n\n\\unrestrict kQ8yXW\n"
)


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _dangling(path: Path) -> None:
    path.symlink_to("nothing.sql")


def _outside(path: Path) -> None:
    secret = path.parents[3] / "outside.sql"
    secret.write_text("select 1;\n")
    path.symlink_to(secret)


def _too_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(50_000_001)


REFUSED = (
    # Not text.
    Bad("NUL byte", "has a NUL byte", b"create table public.a ();\n\0drop table public.notes;\n", 2, 1),
    Bad("NUL byte at the end", "has a NUL byte", b"create table public.a ();\n\0", 2, 1),
    Bad("UTF-16 little endian", "is UTF-16", "select 1;\n".encode("utf-16"), 1, 1),
    Bad("UTF-16 big endian", "is UTF-16", b"\xfe\xff" + "select 1;".encode("utf-16-be"), 1, 1),
    Bad("UTF-16 without a mark", "has a NUL byte", "select 1;\n".encode("utf-16-le"), 1, 2),
    Bad("UTF-32", "is UTF-32", "select 1;\n".encode("utf-32"), 1, 1),
    Bad("Latin-1", "Latin-1", "select 1;\nselect 'Grüße';\n".encode("latin-1"), 2, 11),
    Bad("Windows-1252", "Windows-1252", b"select \x93quoted\x94;\n", 1, 8),
    Bad("UTF-8 cut short", "is not UTF-8", b"select '\xe2\x82", 1, 9),
    Bad("a surrogate", "is not UTF-8", b"select '\xed\xa0\x80';\n", 1, 9),
    Bad("Git LFS pointer", "Git LFS pointer", _LFS, 1, 1),
    Bad("Git conflict", "Git conflict", _CONFLICT, 2, 1),
    Bad("Git conflict with CRLF", "Git conflict", _CONFLICT.replace("\n", "\r\n"), 2, 1),
    # Not a file.
    Bad("named pipe", "is not a file", make=os.mkfifo),
    Bad("link to itself", "is a link to a file that does not exist", make=_loop),
    Bad("link to nothing", "is a link to a file that does not exist", make=_dangling),
    Bad("link out of the project", "is a link to a file outside the project", make=_outside),
    Bad("too large", "more than the 50 MB", make=_too_large),
    # psql's language.
    Bad("\\connect", "\\connect is a command of psql", "select 1;\n  \\connect other\nselect 2;\n", 2, 3),
    Bad("\\copy", "\\copy is a command of psql", "\\copy public.notes from 'x.csv' csv\n", 1, 1),
    Bad("\\i", "\\i is a command of psql", "-- parts\n\\i part.sql\n", 2, 1),
    Bad("\\gexec", "\\gexec is a command of psql", "select 'drop table public.notes' \\gexec\n", 1, 34),
    Bad("\\if", "\\if is a command of psql", "\\if true\nselect 1;\n\\endif\n", 1, 1),
    Bad("escaped quotes", "Mend the quotes", "select 1;\nselect 'Let\\'s go', 'I\\'m here';\n", 2, 16),
    Bad("\\set", "\\set is a command of psql", "\\set owner 'x'\nselect :'owner';\n", 1, 1),
    Bad("a variable", ":'owner' is a variable of psql", "select 1;\nselect :'owner';\n", 2, 8),
    Bad("\\restrict of pg_dump", "Delete the \\restrict and \\unrestrict lines", _DUMP, 5, 1),
    Bad(
        "COPY with its rows", "COPY FROM stdin", "copy public.notes (body) from stdin;\none\ntwo\n\\.\n", 1, 1
    ),
    Bad("COPY without rows", "COPY FROM stdin", "select 1;\ncopy public.notes from stdin;\n", 2, 1),
    Bad("COPY to a client", "COPY TO stdout", "copy public.notes to stdout;\n", 1, 1),
    Bad("COPY from a file", "database server's own disk", "copy public.notes from '/tmp/x';\n", 1, 1),
    Bad("COPY to a program", "database server's own disk", "copy public.notes to program 'sh';\n", 1, 1),
    Bad("end of data without data", "is a command of psql", "select 1;\n\\.\n", 2, 1),
    # Transactions that lose what they did, or cannot work.
    Bad("BEGIN that nothing ends", "nothing ends", "begin;\ncreate table public.a ();\n", 1, 1),
    Bad("BEGIN again after COMMIT", "nothing ends", "begin;\nselect 1;\ncommit;\nbegin;\nselect 2;\n", 4, 1),
    Bad("ROLLBACK", "throws away", "create table public.a ();\nrollback;\n", 2, 1),
    Bad("ABORT", "throws away", "begin;\ncreate table public.a ();\nabort;\n", 3, 1),
    Bad("prepared transaction", "prepared", "begin;\nselect 1;\nprepare transaction 'x';\n", 3, 1),
    Bad("VACUUM in a transaction", "VACUUM", "begin;\nvacuum public.notes;\ncommit;\n", 2, 1),
    Bad(
        "index in a transaction",
        "CREATE INDEX CONCURRENTLY",
        "begin;\ncreate index concurrently i on public.notes (body);\ncommit;\n",
        2,
        1,
    ),
    # The whole server.
    Bad("CREATE DATABASE", "acts on the whole server", "create database other;\n", 1, 1),
    Bad("DROP DATABASE", "acts on the whole server", "select 1;\ndrop database if exists other;\n", 2, 1),
    Bad("ALTER SYSTEM", "acts on the whole server", "alter system set work_mem = '1GB';\n", 1, 1),
    Bad("CREATE TABLESPACE", "acts on the whole server", "create tablespace t location '/tmp';\n", 1, 1),
    # The history.
    Bad(
        "insert into the history",
        "edits the migration history",
        "insert into supabase_migrations.schema_migrations (version) values ('1');\n",
        1,
        1,
    ),
    Bad(
        "drop of the history",
        "edits the migration history",
        "drop schema supabase_migrations cascade;\n",
        1,
        1,
    ),
    Bad("truncated journal", "edits the migration history", "select 1;\ntruncate runbooks.journal;\n", 2, 1),
    Bad(
        "history edited in a DO block",
        "edits the migration history",
        "do $$ begin\n delete from supabase_migrations.schema_migrations;\nend $$;\n",
        1,
        1,
    ),
    Bad(
        "duplicate version",
        "has the same version 20260102000000 as",
        "select 1;\n",
        more={"supabase/migrations/20260102000000_other.sql": "select 2;\n"},
    ),
)
