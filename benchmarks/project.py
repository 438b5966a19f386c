"""A generated project: what teams write most, again and again, each file with the script that undoes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_KINDS = 5


@dataclass(frozen=True, slots=True)
class Pair:
    """One migration and its rollback."""

    name: str
    up: str
    down: str


def pairs(count: int) -> list[Pair]:
    """Return `count` migrations: new tables with RLS, columns with data, indexes, functions with grants, views."""
    return [Pair(f"{20260101000000 + number}_step_{number}", *_texts(number)) for number in range(count)]


def write(folder: Path, made: list[Pair]) -> None:
    """Write the pairs as a Supabase project with a folder of rollback scripts."""
    for part in ("migrations", "rollbacks"):
        (folder / "supabase" / part).mkdir(parents=True)
    (folder / "supabase" / "config.toml").write_text('project_id = "benchmark"\n')
    for pair in made:
        (folder / "supabase" / "migrations" / f"{pair.name}.sql").write_text(pair.up)
        (folder / "supabase" / "rollbacks" / f"{pair.name}.sql").write_text(pair.down)


def write_for_dbmate(folder: Path, made: list[Pair]) -> None:
    """Write the pairs as dbmate reads them: both directions in one file."""
    folder.mkdir(parents=True)
    for pair in made:
        text = f"-- migrate:up\n{pair.up}\n-- migrate:down\n{pair.down}"
        (folder / f"{pair.name}.sql").write_text(text)


def _texts(number: int) -> tuple[str, str]:
    table = f"item_{number - number % _KINDS}"
    match number % _KINDS:
        case 0:
            return _table(table), f"drop table public.{table};\n"
        case 1:
            up = (
                f"alter table public.{table} add column state text not null default 'new';\n"
                f"update public.{table} set state = 'old' where id < 10;\n"
                f"alter table public.{table} add constraint {table}_state check (state in ('new', 'old'));\n"
            )
            return up, f"alter table public.{table} drop column state;\n"
        case 2:
            up = f"create index {table}_by_title on public.{table} (title, created_at desc);\n"
            return up, f"drop index public.{table}_by_title;\n"
        case 3:
            up = (
                f"create function public.{table}_count() returns bigint language sql stable\n"
                f"  as $$ select count(*) from public.{table} $$;\n"
                f"revoke execute on function public.{table}_count() from public, anon;\n"
            )
            return up, f"drop function public.{table}_count();\n"
        case _:
            up = (
                f"create view public.{table}_recent with (security_invoker = true) as\n"
                f"  select id, title from public.{table} where created_at > now() - interval '7 days';\n"
                f"comment on view public.{table}_recent is 'of the last seven days';\n"
            )
            return up, f"drop view public.{table}_recent;\n"


def _table(table: str) -> str:
    return (
        f"create table public.{table} (\n"
        "  id bigint generated always as identity primary key,\n"
        "  owner uuid not null default auth.uid(),\n"
        "  title text not null,\n"
        "  payload jsonb not null default '{}',\n"
        "  created_at timestamptz not null default '2026-01-01'\n"
        ");\n"
        f"alter table public.{table} enable row level security;\n"
        f'create policy "owners" on public.{table} for all to authenticated\n'
        "  using (owner = (select auth.uid())) with check (owner = (select auth.uid()));\n"
        f"insert into public.{table} (owner, title)\n"
        "  select '00000000-0000-4000-8000-000000000001', 'title ' || n from generate_series(1, 20) n;\n"
    )
