"""A guarded database is known by where a DSN leads, whatever road it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import errors, guarded
from ops.project import Environment, Project

REF = "abcdefghijklmnopqrst"
POOLED = f"postgresql://postgres.{REF}:a@aws-0-eu-central-1.pooler.supabase.com:5432/postgres?sslmode=require"
TRANSACTION = POOLED.replace(":5432", ":6543")
DIRECT = f"postgresql://postgres:b@db.{REF}.supabase.co:5432/postgres?sslmode=require"


def _project(monkeypatch: pytest.MonkeyPatch, dsn: str | None, *, is_guarded: bool = True) -> Project:
    if dsn is not None:
        monkeypatch.setenv("PRODUCTION_URL", dsn)
    production = Environment(name="production", database="env:PRODUCTION_URL", guarded=is_guarded)
    return Project(root=Path(), name="shop", configured=True, environments={"production": production})


@pytest.mark.parametrize(
    ("production", "given"),
    [
        (POOLED, POOLED),
        (DIRECT, POOLED),
        (DIRECT, TRANSACTION),
        (POOLED, DIRECT.replace("postgres:b", "another_role:c")),
        ("postgresql://a@db.example:5432/app", "host=DB.EXAMPLE user=b dbname=app sslmode=require"),
        ("postgresql://a@127.0.0.1/app", "postgresql://b@localhost:5432/app"),
        ("postgresql://a@one.example,two.example/app", "postgresql://a@two.example/app"),
    ],
)
def test_the_same_database_is_refused_on_any_road(
    production: str, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(errors.Refused, match="'production', which is guarded"):
        guarded.refuse(_project(monkeypatch, production), given)


@pytest.mark.parametrize(
    ("production", "given"),
    [
        (POOLED, POOLED.replace(REF, REF[::-1])),
        (POOLED, POOLED.replace("/postgres?", "/staging?")),
        ("postgresql://a@db.example:5432/app", "postgresql://a@db.example:5433/app"),
        ("postgresql://a@db.example/app", "postgresql://a@staging.example/app"),
        ("postgresql://a@/app?host=/run/one", "postgresql://a@/app?host=/run/two"),
    ],
)
def test_another_database_is_let_pass(production: str, given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    guarded.refuse(_project(monkeypatch, production), given)


def test_what_is_not_guarded_or_cannot_be_opened_is_let_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRODUCTION_URL", raising=False)
    guarded.refuse(_project(monkeypatch, None), POOLED)
    guarded.refuse(_project(monkeypatch, POOLED, is_guarded=False), POOLED)
