"""The P0 rollback rehearsed on a clone, in a terminal: the release is applied there, and nothing elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

from ops import bundle, embedded, manifest, migrations, project
from tests import fix_app, fix_command, fix_postgres, fix_switch, projects

KEY = "20260215205000_providers"
OVERLAY = "update public.ai_provider_configs set weight = 33 where provider = 'anthropic' and environment = 'prod';\n"
MORE = 'overlays = ["db/overlays/*.sql"]\n'


def release(root: Path, dsn: str, *, more: str = MORE, **files: str) -> Path:
    return fix_switch.write(
        root,
        dsn,
        more=more,
        migrations={projects.NOTES: projects.CREATE_NOTES, KEY: fix_switch.PROVIDERS},
        files={"db/overlays/1_prod.sql": OVERLAY, **files},
    )


def rehearse(root: Path) -> tuple[int, dict[str, object], str]:
    done = fix_command.run("p0-rollback", root, "--environment", "production", "--rehearse", "--json", "-")
    return done.returncode, json.loads(done.stdout), done.stderr


def test_it_is_rehearsed_on_the_release_with_its_overlay(tmp_path: Path, shaped: str):
    root = release(tmp_path, shaped)
    fix_app.commit(root, pushed=False)
    code, found, said = rehearse(root)
    assert code == 0, said
    assert "2 migrations and 1 overlay files applied" in said
    digest = migrations.change_digest(migrations.find(project.load(root)))
    expected = {
        "rehearsal": True,
        "migrations_digest": digest,
        "environment": "production",
        "commit": fix_app.git(root, "rev-parse", "HEAD"),
        "verdict": "passed",
    }
    assert {name: found[name] for name in expected} == expected
    kept = next(root.glob("artifacts/ops/*/p0-rollback_*"))
    assert manifest.verify(kept).ok
    assert json.loads((kept / "p0-rollback.json").read_text())["ended"] == found["ended"]
    assert json.loads((kept / bundle._OWNER).read_text())["kind"] == "p0-rollback"
    item = "anthropic in prod (id=6)"
    assert found["items"][item]["before"]["weight"] == "33"  # pyright: ignore
    touched = "select to_regclass('public.ai_provider_configs'), to_regnamespace('runbooks')"
    assert fix_app.ask(shaped, touched) == [(None, None)]


def test_a_release_without_the_default_provider_fails_it(tmp_path: Path, shaped: str):
    root = release(tmp_path, shaped)
    (root / "db/overlays/2_prod.sql").write_text(
        "delete from public.ai_provider_configs where provider = 'openai';"
    )
    code, found, said = rehearse(root)
    assert (code, found["verdict"]) == (1, "failed"), said
    assert "has not one row for 'staging'" in str(found["summary"])


def test_a_release_that_is_reset_already_is_rehearsed_all_the_same(
    tmp_path: Path, server: embedded.Server, shaped: str, shaped_name: str
):
    """On a copy of a template, where the migrations are applied."""
    fix_app.execute(shaped, fix_switch.PROVIDERS)
    fix_app.execute(shaped, "delete from public.ai_provider_configs where provider <> 'openai'")
    fix_app.execute(
        shaped,
        "update public.ai_provider_configs set enabled = true, is_default = true, weight = 100",
    )
    with fix_postgres.fresh_database(server, template=embedded.EMPTY) as other:
        root = fix_switch.write(
            tmp_path, server.dsn(other, user=server.superuser), more=f'template = "{shaped_name}"'
        )
        code, found, said = rehearse(root)
    assert code == 0, said
    assert "switched off in the clone first" in str(found["findings"])
    assert len(found["items"]) == 2  # pyright: ignore
