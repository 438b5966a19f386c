"""Small Supabase projects for tests: `write` makes any; the others are ready-made, one thing wrong each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

NOTES = "20260101000000_notes"
TAGS = "20260102000000_tags"
COLOURS = "20260103000000_colours"

CREATE_NOTES = """\
create table public.notes (
    id bigint generated always as identity primary key,
    owner uuid not null default auth.uid(),
    body text not null default ''
);
alter table public.notes enable row level security;
create policy "owners manage their notes" on public.notes
    for all to authenticated
    using (owner = (select auth.uid()))
    with check (owner = (select auth.uid()));
insert into public.notes (owner, body)
select '00000000-0000-4000-8000-000000000001', 'note ' || n from generate_series(1, 5) as n;
"""
DROP_NOTES = "drop table public.notes;\n"

CREATE_TAGS = """\
create table public.tags (
    id bigint generated always as identity primary key,
    note_id bigint not null references public.notes (id) on delete cascade,
    label text not null,
    unique (note_id, label)
);
alter table public.tags enable row level security;
create policy "owners read their tags" on public.tags
    for select to authenticated
    using (exists (select from public.notes as n where n.id = note_id and n.owner = (select auth.uid())));
create index tags_label_idx on public.tags (label);
insert into public.tags (note_id, label) select id, 'new' from public.notes;
"""
DROP_TAGS = "drop table public.tags;\n"

ADD_COLOUR = """\
alter table public.tags add column colour text not null default 'grey';
comment on column public.tags.colour is 'shown beside the label';
"""
DROP_COLOUR = "alter table public.tags drop column colour;\n"

CONTRACT = """\
select 'public.notes has RLS' as test, relrowsecurity as ok
from pg_class where oid = 'public.notes'::regclass;
do $$
begin
    assert (select count(*) from pg_policies where tablename = 'notes') = 1, 'public.notes: one policy';
end
$$;
"""

SUITE = """\
begin;
create extension if not exists pgtap with schema extensions;
select plan(2);
select has_table('public', 'notes', 'public.notes exists');
select policies_are('public', 'notes', array['owners manage their notes']);
select * from finish();
rollback;
"""


def write(
    root: Path,
    *,
    migrations: Mapping[str, str | bytes],
    rollbacks: Mapping[str, str | bytes] | None = None,
    config: str | None = None,
    supabase_config: str | None = None,
    contract: str | None = None,
    tests: Mapping[str, str] | None = None,
    seed: str | None = None,
    files: Mapping[str, str | bytes] | None = None,
) -> Path:
    """Write a Supabase project into `root` and return it.

    Migrations and rollbacks are keyed by `<version>_<name>`, tests by file name, `files` by path; `config` is
    the text of runbooks.toml, `supabase_config` that of supabase/config.toml.
    """
    supabase = root / "supabase"
    (supabase / "migrations").mkdir(parents=True, exist_ok=True)
    for key, text in migrations.items():
        _put(supabase / "migrations" / f"{key}.sql", text)
    for key, text in (rollbacks or {}).items():
        _put(supabase / "rollbacks" / f"{key}.down.sql", text)
    for key, text in (tests or {}).items():
        _put(supabase / "tests" / key, text)
    for key, text in (files or {}).items():
        _put(root / key, text)
    single = {
        root / "runbooks.toml": config,
        supabase / "config.toml": supabase_config,
        supabase / "rls_tests.sql": contract,
        supabase / "seed.sql": seed,
    }
    for path, text in single.items():
        if text is not None:
            _put(path, text)
    return root


def _put(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def sound(root: Path) -> Path:
    """Three migrations with rows, each with a script that restores; a contract and a suite that hold."""
    return write(
        root,
        migrations={NOTES: CREATE_NOTES, TAGS: CREATE_TAGS, COLOURS: ADD_COLOUR},
        rollbacks={NOTES: DROP_NOTES, TAGS: DROP_TAGS, COLOURS: DROP_COLOUR},
        contract=CONTRACT,
        tests={"notes.test.sql": SUITE},
    )


def plain(root: Path) -> Path:
    """One migration that has neither a rollback script, nor a contract, nor tests, nor a configuration."""
    return write(root, migrations={NOTES: CREATE_NOTES})


def failing_migration(root: Path) -> Path:
    """The second of three fails on its third line: the table it alters does not exist."""
    broken = (
        "-- a table that only the dashboard ever made\n\nalter table public.labels add column colour text;\n"
    )
    return write(
        root,
        migrations={NOTES: CREATE_NOTES, TAGS: broken, COLOURS: "create table public.after (id bigint);\n"},
        rollbacks={NOTES: DROP_NOTES},
    )


def missing_rollback(root: Path) -> Path:
    """The second of three has no rollback script."""
    return write(
        root,
        migrations={NOTES: CREATE_NOTES, TAGS: CREATE_TAGS, COLOURS: ADD_COLOUR},
        rollbacks={NOTES: DROP_NOTES, COLOURS: DROP_COLOUR},
    )


def failing_rollback(root: Path) -> Path:
    """The second rollback script fails on its first line; the others restore."""
    return write(
        root,
        migrations={NOTES: CREATE_NOTES, TAGS: CREATE_TAGS, COLOURS: ADD_COLOUR},
        rollbacks={NOTES: DROP_NOTES, TAGS: "drop table public.labels;\n", COLOURS: DROP_COLOUR},
    )


def leaving_rollback(root: Path) -> Path:
    """The second rollback script runs without an error and leaves the index's function behind."""
    up = (
        "create function public.slug(value text) returns text immutable language sql"
        " as $$ select lower(value) $$;\n"
        "create index notes_slug_idx on public.notes (public.slug(body));\n"
    )
    return write(
        root,
        migrations={NOTES: CREATE_NOTES, TAGS: up},
        rollbacks={NOTES: DROP_NOTES, TAGS: "drop index public.notes_slug_idx;\n"},
    )


def lossy_rollback(root: Path) -> Path:
    """The schema comes back and the rows do not: the column's values are gone after the rollback."""
    return write(
        root,
        migrations={NOTES: CREATE_NOTES, TAGS: "update public.notes set body = upper(body);\n"},
        rollbacks={NOTES: DROP_NOTES, TAGS: "update public.notes set body = '' where id > 2;\n"},
    )


def reordering_rollback(root: Path) -> Path:
    """The rollback adds the dropped column again, now as the last one."""
    return write(
        root,
        migrations={NOTES: CREATE_NOTES, TAGS: "alter table public.notes drop column owner cascade;\n"},
        rollbacks={
            NOTES: DROP_NOTES,
            TAGS: "alter table public.notes add column owner uuid not null"
            " default '00000000-0000-4000-8000-000000000001';\n"
            "alter table public.notes alter column owner set default auth.uid();\n"
            'create policy "owners manage their notes" on public.notes for all to authenticated\n'
            "    using (owner = (select auth.uid())) with check (owner = (select auth.uid()));\n",
        },
    )


def concurrent_index(root: Path) -> Path:
    """The second migration cannot run in a transaction, and neither can its rollback."""
    return write(
        root,
        migrations={
            NOTES: CREATE_NOTES,
            TAGS: "create index concurrently notes_owner_idx on public.notes (owner);\n",
        },
        rollbacks={NOTES: DROP_NOTES, TAGS: "drop index concurrently public.notes_owner_idx;\n"},
    )


def failing_contract(root: Path) -> Path:
    """Migrations hold, an assertion of the contract does not."""
    project = sound(root)
    contract = project / "supabase" / "rls_tests.sql"
    contract.write_text(
        CONTRACT + "select 'public.notes is forced' as test, false as ok;\n", encoding="utf-8"
    )
    return project


def uncovered_table(root: Path) -> Path:
    """A table of the public schema has no row level security."""
    return write(
        root,
        migrations={NOTES: CREATE_NOTES, TAGS: "create table public.open_door (id bigint primary key);\n"},
        rollbacks={NOTES: DROP_NOTES, TAGS: "drop table public.open_door;\n"},
    )


def refused_file(root: Path) -> Path:
    """The second migration holds a NUL byte, at which libpq would stop and report success."""
    return write(
        root,
        migrations={NOTES: CREATE_NOTES, TAGS: b"create table public.a (id int);\n\0drop table public.a;\n"},
    )


def generated(root: Path, *, count: int, rows: int = 0) -> Path:
    """`count` migrations of the usual kinds, each with a script that restores."""
    pairs = [_generated_pair(number, rows=rows) for number in range(1, count + 1)]
    keys = [f"20260101{number:06d}_step" for number in range(1, count + 1)]
    return write(
        root,
        migrations={key: up for key, (up, _) in zip(keys, pairs, strict=True)},
        rollbacks={key: down for key, (_, down) in zip(keys, pairs, strict=True)},
    )


def _generated_pair(number: int, *, rows: int) -> tuple[str, str]:
    table = f"public.thing_{(number - 1) // 5 * 5 + 1}"
    kinds: tuple[Callable[[], tuple[str, str]], ...] = (
        lambda: (
            f"create table {table} (id bigint generated always as identity primary key, label text);\n"
            f"alter table {table} enable row level security;\n"
            f"insert into {table} (label) select 'row ' || n from generate_series(1, {rows}) as n;\n",
            f"drop table {table};\n",
        ),
        lambda: (
            f"create policy readable on {table} for select to authenticated using (true);\n",
            f"drop policy readable on {table};\n",
        ),
        lambda: (
            f"alter table {table} add column made timestamptz not null default '2026-01-01';\n",
            f"alter table {table} drop column made;\n",
        ),
        lambda: (
            f"create index thing_{number}_idx on {table} (label, made);\n",
            f"drop index public.thing_{number}_idx;\n",
        ),
        lambda: (
            f"create function public.count_{number}() returns bigint stable language sql"
            f" as $$ select count(*) from {table} $$;\n",
            f"drop function public.count_{number}();\n",
        ),
    )
    return kinds[(number - 1) % len(kinds)]()
