"""What is wrong with a script without an error, and what a reader should know before it runs."""

from __future__ import annotations

import pytest

from ops import hazards, statements


def found(text: str) -> list[tuple[str, str, bool]]:
    """Return the rule, the place and whether it blocks, of each hazard."""
    return [(h.rule, h.place, h.blocks) for h in hazards.of(statements.parse(text))]


@pytest.mark.parametrize(
    ("text", "rule", "place"),
    [
        ("select 1;\n\\connect a\n", "psql", "2:1"),
        ("\\restrict x\nselect 1;\n", "psql", "1:1"),
        ("select :a;\n", "psql", "1:8"),
        ("select :'a';\n", "psql", "1:8"),
        ("copy a from stdin;\n1\n\\.\n", "psql", "1:1"),
        ("copy a from stdin;\n", "psql", "1:1"),
        ("select 1;\n\\.\n", "psql", "2:1"),
        ("copy a to stdout;\n", "psql", "1:1"),
        ("copy a from '/tmp/a';\n", "server-files", "1:1"),
        ("copy a from program 'cat';\n", "server-files", "1:1"),
        ("begin;\nselect 1;\n", "open-transaction", "1:1"),
        ("start transaction;\nselect 1;\n", "open-transaction", "1:1"),
        ("select 1;\nrollback;\n", "rollback", "2:1"),
        ("begin;\nselect 1;\nabort work;\n", "rollback", "3:1"),
        ("begin;\nselect 1;\nprepare transaction 'a';\n", "prepared-transaction", "3:1"),
        ("begin;\nvacuum a;\ncommit;\n", "trapped", "2:1"),
        ("create database a;\n", "server-wide", "1:1"),
        ("drop database a;\n", "server-wide", "1:1"),
        ("alter system reset all;\n", "server-wide", "1:1"),
        ("create tablespace a location '/a';\n", "server-wide", "1:1"),
        ("insert into supabase_migrations.schema_migrations values ('1');\n", "history", "1:1"),
        ('delete from "supabase_migrations"."schema_migrations";\n', "history", "1:1"),
        ("drop table if exists runbooks.journal;\n", "history", "1:1"),
        ("alter table supabase_migrations.schema_migrations add a int;\n", "history", "1:1"),
        ("do $$ begin update runbooks.journal set run = ''; end $$;\n", "history", "1:1"),
    ],
)
def test_what_must_not_run_as_a_migration_blocks(text: str, rule: str, place: str) -> None:
    assert (rule, place, True) in found(text)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("begin;\nbegin;\nselect 1;\ncommit;\n", "nested-begin"),
        ("select 1;\ncommit;\n", "stray-commit"),
        ("begin;\nselect 1;\ncommit;\n", "own-transaction"),
        ("begin isolation level serializable;\nselect 1;\ncommit;\n", "isolation"),
        ("vacuum a;\n", "outside"),
        ("do $$ begin commit; end $$;\n", "outside"),
        ("create role a;\n", "role"),
        ("alter role a set search_path = b;\n", "role"),
        ("drop role a;\n", "role"),
        ("alter database a set work_mem = 1;\n", "database-setting"),
        ("create event trigger a on ddl_command_end execute function b();\n", "event-trigger"),
        ("create subscription a connection '' publication b with (connect = false);\n", "subscription"),
        ("lock table a;\n", "lock"),
        ("do $$ begin null; exception when others then null; end $$;\n", "swallowed-error"),
        ("set role anon;\n", "role-change"),
        ("set local role anon;\n", "role-change"),
        ("set session authorization a;\n", "role-change"),
        ("select set_config('search_path', '', false);\n", "search-path"),
    ],
)
def test_what_a_reader_should_know_does_not_block(text: str, rule: str) -> None:
    assert rule in {each for each, _, blocks in found(text) if not blocks}
    assert not [each for each in found(text) if each[2]]


@pytest.mark.parametrize(
    "text",
    [
        "create table a (b int);\n",
        "savepoint a;\nselect 1;\nrollback to a;\nrelease a;\n",
        "select '\\connect a', ':b', $$ \\i c $$;\n",
        "select a::text, b[1:2] from c;\n",
        "do $$ begin null; exception when others then raise; end $$;\n",
        "do $$ begin null; exception when others then raise exception 'x'; end $$;\n",
        "select * from supabase_migrations.schema_migrations;\n",
        "comment on table a is 'insert into supabase_migrations.schema_migrations';\n",
        "select 'drop table runbooks.journal';\n",
        "create table public.runbooks (id int);\ninsert into public.runbooks values (1);\n",
        "insert into runbooks values (1);\n",
        "set local work_mem = '1MB';\n",
        "select set_config('search_path', '', true);\n",
        "create function f() returns void language sql as $$ select set_config('a.b', 'c', true) $$;\n",
        "reset role;\n",
    ],
)
def test_what_is_sound_has_no_hazard(text: str) -> None:
    assert found(text) == []


def test_hazards_stand_in_the_order_of_their_lines_and_name_what_they_are_about() -> None:
    script = statements.parse("begin;\nvacuum a;\ncommit;\n\\echo b\ncreate database c;\n")
    messages = [(h.statement.line, h.message) for h in hazards.of(script) if h.blocks]
    assert [line for line, _ in messages] == [2, 4, 5]
    assert "VACUUM A cannot run inside the transaction that line 1 begins" in messages[0][1]
    assert "\\echo is a command of psql" in messages[1][1]
    assert "CREATE DATABASE C acts on the whole server" in messages[2][1]
