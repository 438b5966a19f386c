"""A shop and its production: what is promoted, where to, and a person who decides at the terminal."""

from __future__ import annotations

import atexit
import hashlib
import json
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
import rich.prompt

from flows.prod_promotion import prod_promotion
from flows.staging_rehearsal import staging_rehearsal
from ops import errors, queries
from ops.choices import Choices
from ops.promotion_choices import PromotionChoices
from ops.promotion_result import Promotion
from ops.verdict import Rehearsal
from tests import fix_repository, projects

R = TypeVar("R", Promotion, Rehearsal)
CONFIRMATION = "CONFIRM PRODUCTION DEPLOYMENT"
SETTINGS = "20260104000000_settings"
CREATE_SETTINGS = """\
create table public.settings (name text primary key, environment text, value int not null);
alter table public.settings enable row level security;
create policy "everybody reads settings" on public.settings for select to authenticated using (true);
"""
DROP_SETTINGS = "drop table public.settings;\n"
OVERLAY = "db/releases/20260104000100_settings_prod.sql"
OVERLAY_TEXT = (
    "insert into public.settings (name, environment, value) values ('weight', 'prod', 100)\n"
    "on conflict (name) do update set value = excluded.value;\n"
)
OVERLAY_BACK = "db/releases/rollback/20260104000100_settings_prod.rollback.sql"
OVERLAY_BACK_TEXT = "delete from public.settings where name = 'weight';\n"
CONFIG = """\
[environments.production]
database = "env:PRODUCTION_URL"
overlays = ["db/releases/*_prod.sql"]
{environment}

[environments.production.promotion]
require_merged = {merged}
require_gate = false
{promotion}

[release]
branch = "main"
checklist = []
{release}

[[release.gates]]
name = "one weight"
query = "select count(*) from public.settings where environment = 'prod'"
equals = 1
environments = ["production"]
"""


def configured(environment: str = "", promotion: str = "", release: str = "", *, merged: bool = False) -> str:
    """Return a configuration with these lines more."""
    return CONFIG.format(
        environment=environment, promotion=promotion, release=release, merged=str(merged).lower()
    )


class Shop:
    """A project under git whose first two migrations production has, and the rest of whose change it has not."""

    def __init__(self, root: Path, dsn: str, monkeypatch: pytest.MonkeyPatch, *, admin: str = "") -> None:
        self.root = root
        self.admin_dsn = admin
        self.dsn = dsn
        self._monkeypatch = monkeypatch
        self.asked: list[str] = []
        monkeypatch.setenv("PRODUCTION_URL", dsn)
        projects.sound(root)
        projects.write(
            root,
            migrations={SETTINGS: CREATE_SETTINGS},
            rollbacks={SETTINGS: DROP_SETTINGS},
            files={OVERLAY: OVERLAY_TEXT, OVERLAY_BACK: OVERLAY_BACK_TEXT},
            config=configured(),
        )
        (root / ".gitignore").write_text("artifacts/\n")
        fix_repository.git(root, "init", "-q", "-b", "main", ".")
        fix_repository.committed(root)

    def configure(self, *lines: str, **more: Any) -> None:
        projects.write(self.root, migrations={}, config=configured(*lines, **more))
        fix_repository.committed(self.root)

    def edit(self, file: str, text: str) -> None:
        (self.root / file).write_text(text)

    def rehearse(self, *, overlay: str = "production", **choices: Any) -> Rehearsal:
        """Rehearse everything on a throw-away database, which leaves its evidence in the project.

        What was rehearsed with just these files before is copied: a rehearsal covers content, wherever it lies.
        """
        known = _REHEARSED.get(key := _content(self.root, overlay, choices))
        if known:
            shutil.copytree(known[0], self.root / "artifacts", dirs_exist_ok=True)
            return known[1]
        found = _ended(
            Rehearsal,
            lambda: staging_rehearsal.fn(str(self.root), "throw-away", Choices(overlay=overlay, **choices)),
        )
        kept = Path(tempfile.mkdtemp(prefix="runbooks-rehearsed-", dir=_HOME.name))
        bundle = Path(found.bundle or "")
        shutil.copytree(bundle, kept / bundle.relative_to(self.root / "artifacts"))
        _REHEARSED[key] = (kept, found)
        return found

    def add(self, key: str, up: str, down: str) -> None:
        projects.write(self.root, migrations={key: up}, rollbacks={key: down})

    def without_overlay(self) -> None:
        """Take the overlay and its gate out of the configuration."""
        path = self.root / "runbooks.toml"
        text = path.read_text().replace('overlays = ["db/releases/*_prod.sql"]\n', "")
        path.write_text(text[: text.index("[[release.gates]]")])
        fix_repository.committed(self.root)

    def push(self, file: str) -> None:
        """Apply a migration as other hands do: the history has it, the journal has not."""
        version, _, name = Path(file).stem.partition("_")
        text = (self.root / file).read_text()
        with psycopg.connect(self.dsn) as connection:
            connection.execute(queries.load("journal/prepare"))
            connection.execute(text.encode())
            connection.execute(
                "insert into supabase_migrations.schema_migrations (version, name, statements) values (%s, %s, %s)",
                (version, name, [text]),
            )

    def promote(self, *typed: str, confirmation: str = CONFIRMATION, **choices: Any) -> Promotion:
        """Promote in this process; a person types `typed` (default: approves as ada)."""
        with self.terminal(*(typed or ("approve", "ada", ""))):
            return self.run(confirmation, **choices)

    def run(
        self, confirmation: str = CONFIRMATION, environment: str = "production", **choices: Any
    ) -> Promotion:
        chosen = PromotionChoices(**{"no_incident": "no active incident", **choices})
        return _ended(Promotion, lambda: prod_promotion.fn(str(self.root), environment, confirmation, chosen))

    @contextmanager
    def terminal(self, *typed: str, meanwhile: Callable[[], None] | None = None) -> Generator[None]:
        """Somebody sits at a terminal and types these; `meanwhile` happens while the first question is open."""
        left = iter(typed)

        def ask(question: str, **_: Any) -> str:
            if meanwhile and not self.asked:
                meanwhile()
            self.asked.append(question)
            return next(left)

        self.asked = []
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(sys.stdin, "isatty", lambda: True, raising=False)
            patched.setattr(rich.prompt.Prompt, "ask", ask)
            yield

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            found = connection.execute(query.encode())
            return found.fetchall() if found.description else []

    def admin(self, statement: str) -> None:
        """Do what only a superuser may."""
        with psycopg.connect(self.admin_dsn, autocommit=True) as connection:
            connection.execute(statement.encode())

    @property
    def history(self) -> list[str]:
        return [
            version
            for (version,) in self.ask(
                "select version from supabase_migrations.schema_migrations order by version"
            )
        ]


def _ended(kind: type[R], run: Callable[[], R]) -> R:
    """Return the result of a run, also of one that ends as not well; a rejected one is no result."""
    try:
        found = run()
    except errors.CheckFailed as error:
        if isinstance(error.evidence, kind):
            return error.evidence
        raise
    if not isinstance(found, kind):
        raise errors.Denied(str(getattr(found, "message", found)))
    return found


_HOME = tempfile.TemporaryDirectory(prefix="runbooks-tests-")
atexit.register(_HOME.cleanup)
# Settings of production: a rehearsal elsewhere takes nothing of it but its overlays.
_OF_A_PROMOTION = ("promotion", "after_failure", "health_url", "startup", "guarded", "lock_timeout")
_REHEARSED: dict[str, tuple[Path, Rehearsal]] = {}


def _content(root: Path, *chosen: object) -> str:
    """Return what tells one rehearsal from another: the project's files, and what was chosen."""
    digest = hashlib.sha256(repr(chosen).encode())
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if path.is_file() and parts[0] not in (".git", "artifacts"):
            known = _of_a_rehearsal(path) if parts == ("runbooks.toml",) else path.read_bytes()
            digest.update(f"{'/'.join(parts)}\0".encode() + known + b"\0")
    return digest.hexdigest()


def _of_a_rehearsal(configuration: Path) -> bytes:
    """Return what a configuration says without what only a promotion reads."""
    said = tomllib.loads(configuration.read_text("utf-8"))
    for name in _OF_A_PROMOTION:
        said["environments"]["production"].pop(name, None)
    return json.dumps(said, sort_keys=True).encode()
