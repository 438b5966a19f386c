"""A project whose production is a live cluster with an app's tables, heartbeats and backups, and drills of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.restore_drill import restore_drill
from ops import database, errors, heartbeat, reference
from ops.drill import DrillChoices, Drilled
from tests.fix_backups import Live

APP = """
create table public.customers (id bigint generated always as identity primary key, email text not null unique);
create table public.orders (
    id bigint generated always as identity primary key,
    customer_id bigint not null references public.customers (id),
    total numeric not null,
    note text
);
create index orders_note_idx on public.orders (note);
alter table public.customers enable row level security;
alter table public.orders enable row level security;
create policy own on public.orders for select to authenticated using (customer_id = 1);
insert into public.customers (email) select 'c' || i || '@example.com' from generate_series(1, 200) i;
insert into public.orders (customer_id, total, note)
select 1 + i % 200, i, repeat(md5(i::text), 4) from generate_series(1, 2000) i;
"""
CONFIG = """\
[environments.production]
database = "file:{secret}"

[environments.production.backups]
rpo = "{rpo}"
rto = "{rto}"

[environments.production.backups.physical]
base = "{base}"
wal = "{wal}"
bindir = "{bindir}"

[environments.production.backups.drill]
fsync = false
"""


@dataclass
class Shop:
    """The project at `root` and its production."""

    live: Live
    root: Path

    @classmethod
    def at(cls, live: Live, folder: Path, *, rpo: str = "5 min", rto: str = "30 min") -> Shop:
        """Make the app's tables in production, and the project that names it."""
        live.ask(APP)
        shop = cls(live, folder / "shop")
        (shop.root / "supabase" / "migrations").mkdir(parents=True)
        (shop.root / "supabase" / "smoke").mkdir()
        (shop.root / "supabase" / "smoke" / "orders.sql").write_text(
            "select count(*) > 0 from public.orders;\n"
        )
        secret = folder / "dsn"
        secret.write_text(live.dsn)
        settings = live.settings
        values = {"secret": secret, "base": settings.base, "wal": settings.wal, "bindir": settings.bindir}
        (shop.root / "runbooks.toml").write_text(CONFIG.format(**values, rpo=rpo, rto=rto))
        return shop

    def alone(self) -> None:
        """Leave production out of the configuration, so that only the backups are judged."""
        path = self.root / "runbooks.toml"
        path.write_text(path.read_text().replace('database = "file:', '# database = "file:'))

    def set(self, **values: str) -> None:
        """Change values of the project's configuration."""
        path = self.root / "runbooks.toml"
        text = path.read_text()
        for name, value in values.items():
            text, count = re.subn(rf"(?m)^{name} = .*$", f'{name} = "{value}"', text)
            assert count == 1, name
        path.write_text(text)

    def beat(self) -> heartbeat.Beat:
        """Write a heartbeat to production."""
        with database.connect(self.live.dsn) as connection:
            heartbeat.prepare(connection)
            return heartbeat.beat(connection)

    def refer(self) -> reference.Reference:
        """Keep what the critical tables hold now."""
        found = reference.take(self.live.dsn)
        reference.keep(self.root, "production", found)
        return found

    def back_up(self, name: str = "b1", *arguments: str) -> Path:
        """Make a base backup, the reference and a heartbeat, and archive all of it."""
        into = self.live.base_backup(name, *arguments)
        self.refer()
        self.live.ask("insert into public.orders (customer_id, total) values (1, 1)")
        self.beat()
        self.live.archive()
        return into

    def drill(self, **choices: Any) -> Drilled:
        """Drill a restore in this process."""
        try:
            return restore_drill.fn(str(self.root), "production", DrillChoices(**choices))
        except errors.CheckFailed as failed:
            if not isinstance(failed.evidence, Drilled):
                raise
            return failed.evidence

    def log(self) -> list[dict[str, Any]]:
        """The drills as the file has them."""
        path = self.root / "artifacts" / "ops" / "drills" / "production.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]


def kinds(found: Drilled) -> set[str]:
    """Return what blocks, by its kind."""
    return {each.kind for each in found.problems if each.blocks}
