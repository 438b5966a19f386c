"""Files that fail when they run, and leave nothing."""

from __future__ import annotations

from tests.bad.kind import Bad

_DIV = "create table public.a (id int);\ndo $$\nbegin\n  perform 1/0;\nend $$;\n"
_DEFERRED = (
    "create table public.a (id int primary key, other int references public.a deferrable initially deferred);\n"
    "insert into public.a values (1, 2);\n"
)
_RECURSION = (
    "create function public.f(n int) returns int language plpgsql as $$ begin return public.f(n + 1); end $$;\n"
    "select public.f(1);\n"
)
_LATER_TRIGGER = (
    "create function public.no() returns trigger language plpgsql as $$ begin raise exception 'no more'; end $$;\n"
    "create trigger no before insert on supabase_migrations.schema_migrations\n"
    "  for each row execute function public.no();\n"
)
_GENERATED = (
    "create table public.a (b int, c int generated always as (b + 1) stored);\n"
    "insert into public.a values (1, 2);\n"
)
_POLICY = (
    "create policy a on public.notes using (exists (select from public.notes));\n"
    "set role anon;\nselect from public.notes;\n"
)


def _after_a_table(text: str) -> str:
    return f"create table public.a (id int primary key, note text not null);\n{text}"


FAILED = (
    # What the parser does not understand.
    Bad("syntax error", "syntax error", "select 1;\n\n  create tabel public.a ();\n", 3, 10, "42601"),
    Bad("missing semicolon", "syntax error", "create table public.a ()\nselect 1;\n", 2, 1, "42601"),
    Bad("trailing comma", "syntax error", "create table public.a (\n  id int,\n);\n", 3, 1, "42601"),
    Bad("open quote", "unterminated quoted string", "select 1;\nselect 'abc;\nselect 2;\n", 2, 8, "42601"),
    Bad("open dollar quote", "unterminated dollar-quoted", "select 1;\ndo $$ begin\nend;\n", 2, 4, "42601"),
    Bad("open comment", "unterminated /* comment", "select 1;\n/* more\nselect 2;\n", 2, 1, "42601"),
    Bad("open identifier", "unterminated quoted identifier", 'select 1;\nselect "abc;\n', 2, 8, "42601"),
    Bad("closing parenthesis", "syntax error", "select 1);\n", 1, 9, "42601"),
    Bad("HTML", "syntax error", "<!DOCTYPE html>\n<html><body>404</body></html>\n", 1, 1, "42601"),
    Bad("JSON", "syntax error", '{"message": "Not Found"}\n', 1, 1, "42601"),
    Bad("Markdown fences", "syntax error", "```sql\nselect 1;\n```\n", 1, 1, "42601"),
    Bad("MySQL", "syntax error", "create table public.a (id int auto_increment);\n", 1, 31, "42601"),
    Bad("MySQL's quotes", "syntax error", "create table `a` (id int);\n", 1, 14, "42601"),
    Bad("a hash comment", "syntax error", "# a comment\nselect 1;\n", 1, 1, "42601"),
    Bad("smart quotes", "does not exist", "select 1;\nselect \u2018abc\u2019;\n", 2, 8, "42703"),
    Bad("no-break space", "syntax error", "select\u00a01;\n", 1, 1, "42601"),
    Bad("line separator", "syntax error", "select 1;\u2028select 2;\n", 1, 10, "42601"),
    Bad("zero-width space", "syntax error", "select 1;\n\u200bselect 2;\n", 2, 1, "42601"),
    Bad("file name pasted", "trailing junk", "20260102000000_bad.sql\n", 1, 1, "42601"),
    Bad("invalid escape", "invalid Unicode escape", "select e'\\u00zz';\n", 1, 10, "22025"),
    Bad("nothing but a word", "syntax error", "TODO\n", 1, 1, "42601"),
    # What is not there, or there already.
    Bad("missing table", "does not exist", "select 1;\nalter table public.nope add a int;\n", 2, 1, "42P01"),
    Bad("missing table in a query", "does not exist", "select 1\nfrom\n  public.nope;\n", 3, 3, "42P01"),
    Bad("missing column", "does not exist", "select 'ä漢😀', nope from public.notes;\n", 1, 15, "42703"),
    Bad("missing column, CRLF", "does not exist", "select 1;\r\n\r\n select nope;\r\n", 3, 9, "42703"),
    Bad("missing column after a mark", "does not exist", "\ufeffselect nope;\n", 1, 8, "42703"),
    Bad("missing schema", "does not exist", "create table nope.a ();\n", 1, 14, "3F000"),
    Bad("missing type", "does not exist", "create table public.a (b nope);\n", 1, 26, "42704"),
    Bad("missing role", "does not exist", "grant select on public.notes to nobody_here;\n", 1, 1, "42704"),
    Bad("missing function", "does not exist", "select 1;\nselect nope(1);\n", 2, 8, "42883"),
    Bad("missing extension", "is not available", "create extension nope;\n", 1, 1, "0A000"),
    Bad("missing savepoint", "does not exist", "select 1;\nrollback to nowhere;\n", 2, 1, "3B001"),
    Bad(
        "duplicate type",
        "already exists",
        "create type public.t as ();\ncreate type public.t as ();\n",
        2,
        1,
        "42710",
    ),
    # What the rows do not allow.
    Bad(
        "NOT NULL with rows",
        "contains null values",
        "alter table public.notes add a int not null;\n",
        1,
        1,
        "23502",
    ),
    Bad(
        "unique with duplicates",
        "could not create unique",
        "create unique index on public.notes (owner);\n",
        1,
        1,
        "23505",
    ),
    Bad(
        "check with rows",
        "is violated by some row",
        "alter table public.notes add check (id > 3);\n",
        1,
        1,
        "23514",
    ),
    Bad(
        "foreign key with rows",
        "violates foreign key",
        "alter table public.notes add foreign key (owner) references auth.users;\n",
        1,
        1,
        "23503",
    ),
    Bad("deferred constraint", "violates foreign key", _DEFERRED, None, None, "23503"),
    Bad(
        "type of a column", "cannot be cast", "alter table public.notes alter body type int;\n", 1, 1, "42804"
    ),
    Bad(
        "type of a value",
        "invalid input syntax",
        "insert into public.notes (id) values ('x');\n",
        1,
        39,
        "22P02",
    ),
    Bad(
        "type of a foreign key",
        "cannot be implemented",
        _after_a_table("alter table public.a add foreign key (note) references public.notes;\n"),
        2,
        1,
        "42804",
    ),
    Bad(
        "generated column",
        "cannot insert a non-DEFAULT value",
        _GENERATED,
        2,
        1,
        "428C9",
    ),
    Bad(
        "generated from now",
        "not immutable",
        "create table public.a (b timestamptz generated always as (now()) stored);\n",
        1,
        1,
        "42P17",
    ),
    Bad("division by zero in a block", "division by zero", _DIV, 4, 3, "22012"),
    Bad("assertion in a block", "no notes", "do $$ begin assert false, 'no notes'; end $$;\n", 1, 4, "P0004"),
    Bad(
        "raised by the file",
        "stop here",
        "select 1;\ndo $$ begin raise exception 'stop here'; end $$;\n",
        2,
        4,
        "P0001",
    ),
    Bad("infinite recursion", "stack depth", _RECURSION, 2, 1, "54001"),
    Bad(
        "policies that ask each other",
        "infinite recursion",
        _POLICY,
        3,
        1,
        "42P17",
    ),
    Bad(
        "broken function body",
        "syntax error",
        "select 1;\ncreate function public.f() returns int language sql as $$\n  select from where\n$$;\n",
        3,
        15,
        "42601",
    ),
    Bad(
        "broken PL/pgSQL",
        "syntax error",
        "create function public.f() returns int language plpgsql as $$\nbegin\n  retrun 1;\nend $$;\n",
        3,
        3,
        "42601",
    ),
    # What one may not do, or not so long.
    Bad(
        "privilege denied",
        "permission denied",
        "set role anon;\ncreate schema other;\n",
        2,
        1,
        "42501",
    ),
    Bad("not the owner", "must be owner", "comment on database template1 is 'x';\n", 1, 1, "42501"),
    Bad("superuser's right", "permission denied", "select pg_read_file('/etc/passwd');\n", 1, 1, "42501"),
    Bad(
        "session of another",
        "permission denied",
        "set session authorization supabase_admin;\n",
        1,
        1,
        "42501",
    ),
    Bad(
        "statement timeout",
        "statement timeout",
        "create table public.a ();\nselect pg_sleep(60);\n",
        2,
        1,
        "57014",
    ),
    Bad("LOCK TABLE that nobody may", "permission denied", "lock table pg_authid;\n", 1, 1, "42501"),
    # The history, in ways that only the server sees.
    Bad(
        "journal dropped behind words",
        "does not exist",
        "do $$ begin execute 'drop schema run' || 'books cascade'; end $$;\n",
        None,
        None,
        "42P01",
    ),
    Bad("history that refuses rows", "no more", _LATER_TRIGGER, None, None, "P0001"),
    Bad(
        "history that is read only",
        "permission denied",
        "revoke insert on supabase_migrations.schema_migrations from postgres;\n",
        None,
        None,
        "42501",
    ),
    # Statement by statement, and the first one fails.
    Bad(
        "unique index that fails half way",
        "could not create unique index",
        "create unique index concurrently i on public.notes (owner);\n",
        1,
        1,
        "23505",
    ),
    Bad(
        "journal dropped behind words, outside",
        "does not exist",
        "do $$ begin execute 'drop schema run' || 'books cascade'; end $$;\nvacuum public.notes;\n",
        None,
        None,
        "42P01",
    ),
    Bad(
        "index that fails",
        "does not exist",
        "create index concurrently i on public.notes (nope);\n",
        1,
        1,
        "42703",
    ),
)
