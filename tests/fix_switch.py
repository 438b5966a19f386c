"""The tables whose settings rollbacks switch, and a project that operates on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from prefect.client.schemas.objects import FlowRun

from deployments import runs
from ops import bundle, switch, switch_steps
from ops.switch import Switching, SwitchPlan
from tests import projects
from tests.fix_stack import PATIENCE, Desk
from tests.polling import wait_until

PROVIDERS = """\
create table public.ai_provider_configs (
    id bigint generated always as identity primary key,
    provider text not null,
    environment text not null,
    enabled boolean not null,
    is_default boolean not null,
    weight numeric(5, 2) not null,
    timeout_ms bigint not null default 30000,
    api_key text not null default 'a-fake-key-of-a-provider',
    updated_at timestamptz not null default '2026-01-01 00:00:00.123456+00',
    unique (provider, environment),
    check (enabled or not is_default)
);
create unique index one_default on public.ai_provider_configs (environment) where is_default;
insert into public.ai_provider_configs (provider, environment, enabled, is_default, weight) values
('openai', 'dev', true, true, 100), ('anthropic', 'dev', true, false, 50),
('openai', 'staging', true, true, 80), ('anthropic', 'staging', true, false, 20.5),
('openai', 'prod', false, false, 0), ('anthropic', 'prod', true, true, 100);
"""
BOT_CONFIG = """\
create table public.bot_config (
    config_key text not null,
    environment text not null,
    config_value jsonb not null,
    updated_at timestamptz not null default '2026-01-01 00:00:00+00',
    unique (config_key, environment)
);
insert into public.bot_config (config_key, environment, config_value) values
('feature_flags', 'production', '{"new_search": true, "autonomous_posting": true, "dark": false, "limit": 3}'),
('feature_flags', 'staging', '{"new_search": true, "autonomous_posting": true}'),
('schema_version', 'production', '{"version": "1.0.0"}'),
('webhook', 'production', '{"key": "a-fake-key-of-the-app"}');
"""
CONFIG = """\
[flags]
known = ["new_search", "dark", "new_editor"]

[environments.production]
database = "file:{secret}"
lock_timeout = "PT2M"
{more}
"""


def write(root: Path, dsn: str, *, more: str = "", **files: Any) -> Path:
    """Write the project, with its DSN in a file beside it, and return it."""
    secret = root / "shop.dsn"
    secret.write_text(dsn, "utf-8")
    files.setdefault("migrations", {projects.NOTES: projects.CREATE_NOTES})
    return projects.write(root / "shop", config=CONFIG.format(secret=secret, more=more), **files)


def carry_out(plan: SwitchPlan, run: str = "run") -> Switching:
    """Do what a run does once its gate is passed, and return it."""
    switching = switch.opened(plan)
    switching.as_run(run)
    switch_steps.find(switching)
    if switching.due:
        switch_steps.act(switching)
    assert switch_steps.verify(switching).ok
    return switching


def dying(monkeypatch: Any, module: Any, name: str) -> Callable[[], None]:
    """Let a run end before it commits, at the last call that it makes; returns how to let it live again."""

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    before = getattr(module, name)
    monkeypatch.setattr(module, name, die)
    return lambda: monkeypatch.setattr(module, name, before)


def rows(dsn: str, table: str) -> list[str]:
    """Return every row of a table as JSON."""
    with psycopg.connect(dsn) as connection:
        query = f"select to_jsonb(t)::text from {table} t order by 1"
        return [row for (row,) in connection.execute(query.encode())]


def start(desk: Desk, deployment: str, project: Path, **chosen: Any) -> FlowRun:
    """Start a run of a deployment, and return it as it waits or has ended."""
    parameters = {"project": str(project), "environment": "production", **chosen}
    run = runs.trigger(desk.stack, deployment, parameters)
    *_, ended = runs.follow(desk.stack, run.id)
    assert isinstance(ended, FlowRun)
    return ended


def decide(desk: Desk, run: FlowRun, decision: str = "approve", note: str = "so decided") -> FlowRun:
    """Answer at the gate, and return the run as it ended."""
    said = {"decision": decision, "approver": "ada", "note": note}
    wait_until(lambda: desk.refusal(run.id, **said) == "", seconds=PATIENCE)
    try:
        desk.wait_for(run.id, "Completed", "Failed", "Rejected")
    except AssertionError:
        state = desk.read(run.id).state
        shown = [each.description for each in desk.artifacts(run.id)]
        raise AssertionError(
            f"{run.name} is {state and state.name}: {state and state.message}; {shown}"
        ) from None
    return desk.read(run.id)


def ended(run: FlowRun) -> tuple[str, str]:
    """Return the name of the state in which a run ended, and what it says."""
    assert run.state
    return run.state.name or "", run.state.message or ""


def result(project: Path, run: FlowRun, name: str) -> dict[str, Any]:
    """Return what a run left as its result."""
    kept = bundle.of_run(project, str(run.id))
    assert kept, "the run left no bundle"
    return json.loads((kept / f"{name}.json").read_text("utf-8"))
