"""The rehearsal that lets a change be promoted, and why each other one does not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from flows.staging_rehearsal import staging_rehearsal
from ops import (
    bundle,
    change,
    deltas,
    embedded,
    errors,
    manifest,
    marker,
    migrations,
    overlays,
    project,
    rehearsals,
)
from ops.change import Change
from ops.choices import Choices
from ops.project import Project
from ops.rehearsals import Rehearsed
from ops.verdict import Rehearsal
from tests import projects
from tests.fix_postgres import fresh_database

CONFIG = """\
[environments.production]
overlays = ["db/prod.sql"]
guarded = true

[environments.staging]
place = "in-place"
database = "file:{secret}"
rehearse = true
overlays = ["db/staging.sql"]
"""
LABEL = "update public.notes set body = upper(body);\n"
BACK = "update public.notes set body = lower(body);\n"
FILES = {"db/prod.sql": LABEL, "db/prod.down.sql": BACK, "db/staging.sql": LABEL}
Spoil = Callable[[Path], object]


def written(root: Path, secret: str = "none") -> Path:
    config = CONFIG.format(secret=secret)
    return projects.write(projects.sound(root), migrations={}, config=config, files=FILES)


def rehearse(root: Path, environment: str = "throw-away", **choices: Any) -> Rehearsal:
    try:
        return staging_rehearsal.fn(str(root), environment, Choices(**choices))
    except errors.CheckFailed as error:
        return Rehearsal.model_validate(error.evidence)


def of(operated: Project, environment: str = "production") -> tuple[Change, tuple[str, ...]]:
    """Return the change and its files, as a promotion to an environment would have them."""
    where = operated.environment(environment)
    found, overlaid = migrations.find(operated), overlays.find(operated, where)
    return change.of(operated, where, found, overlaid), tuple(each.file for each in (*found, *overlaid))


def find(root: Path, environment: str = "production", **options: Any) -> Rehearsed:
    wanted, files = of(project.load(root), environment)
    usual = {"major": 18, "pending": files, "max_age": timedelta(days=1), "now": datetime.now(UTC)}
    return rehearsals.find(root, wanted, **{**usual, **options})


def refused(root: Path, **options: Any) -> str:
    with pytest.raises(errors.Refused) as caught:
        find(root, **options)
    return str(caught.value)


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose production overlay was rehearsed on a throw-away database."""
    root = written(tmp_path_factory.mktemp("rehearsed"))
    assert refused(root).startswith("There is no rehearsal in")
    found = rehearse(root, overlay="production")
    assert found.ok, found.findings
    assert found.summary.endswith(
        "3 pending migrations and 1 overlay of production apply, 4 rollbacks are proven."
    )
    return root


def copied(root: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Return a copy of the project with its bundle, and the bundle."""
    copy = shutil.copytree(root, tmp_path / "copy", symlinks=True)
    (path,) = copy.glob("artifacts/ops/*/rehearsal_*")
    return copy, path


def rewritten(path: Path, values: dict[str, Any]) -> None:
    """Write other values into a bundle's result, and seal it."""
    result = path / "rehearsal.json"
    result.write_text(json.dumps({**json.loads(result.read_text()), **values}))
    bundle.Bundle(path, "rehearsal", "a run", 1, datetime.now(UTC)).seal()


def test_the_newest_passing_one_of_this_change_is_found(rehearsed: Path) -> None:
    found = find(rehearsed)
    assert found.rehearsal.verdict == "passed"
    assert found.rehearsal.change_digest == of(project.load(rehearsed))[0].digest
    assert found.seal == manifest.digest(found.path)
    notes, _, colours, overlay = found.deltas
    assert found.deltas[notes]["table", "public.notes"][0] is None
    assert found.deltas[colours].keys() >= {("column", "public.tags.colour")}
    assert (overlay, found.deltas[overlay]) == ("db/prod.sql", {})
    assert (found.rows[notes], found.rows[overlay]) == ({}, {"public.notes": 5})
    assert found.rows[colours] == {"public.tags": 5}
    assert find(rehearsed, require_rollback=True).path == found.path


def test_another_change_is_refused_by_its_part(rehearsed: Path, tmp_path: Path) -> None:
    root, _ = copied(rehearsed, tmp_path)
    assert "another change, by its overlay (production's " in refused(root, environment="staging")
    (root / "supabase" / "rls_tests.sql").write_text("select true;\n")
    assert "another change, by its verification files." in refused(root)
    gates = '[[release.gates]]\nname = "one"\nquery = "select 1"\nequals = 1\n'
    (root / "runbooks.toml").write_text(CONFIG.format(secret="none") + gates)
    assert "by its verification files, release gates." in refused(root)
    (root / "supabase" / "migrations" / "20260104000000_more.sql").write_text("select 1;\n")
    assert "by its migrations or rollback scripts, verification files" in refused(root)


def test_another_major_version_and_an_expired_one_are_refused(rehearsed: Path) -> None:
    assert "was on PostgreSQL 18, and this database is PostgreSQL 15." in refused(rehearsed, major=15)
    later = datetime.now(UTC) + timedelta(days=3)
    assert "is 3.0 days old, and may be no older than 24.0 hours." in refused(rehearsed, now=later)


def test_one_that_did_not_pass_or_did_not_apply_a_file_is_refused(rehearsed: Path, tmp_path: Path) -> None:
    root, path = copied(rehearsed, tmp_path)
    assert "did not apply db/other.sql, which is pending here." in refused(root, pending=("db/other.sql",))
    results = json.loads((path / "rehearsal.json").read_text())["migrations"]
    for status, required in (("skipped", False), ("missing", True)):
        changed = [{**each, "rollback": {**each["rollback"], "status": status}} for each in results]
        rewritten(path, {"migrations": changed})
        assert f"has not proven its rollback ({status})." in refused(root, require_rollback=required)
    assert find(root).path == path
    rewritten(path, {"verdict": "failed", "summary": "sound: 1 migration failed."})
    assert "did not pass: sound: 1 migration failed. Nothing" in refused(root)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: (path / "migration_apply.log").write_text("well\n"), "(migration_apply.log changed)"),
        (lambda path: (path / "delta.json").unlink(), "(delta.json removed)"),
        (lambda path: (path / "manifest.json").unlink(), "is not sealed: the run did not end"),
    ],
)
def test_a_bundle_that_is_not_as_it_was_sealed_is_refused(
    rehearsed: Path, tmp_path: Path, spoil: Spoil, said: str
) -> None:
    root, path = copied(rehearsed, tmp_path)
    spoil(path)
    assert said in refused(root)


def test_staging_in_place_gets_its_own_overlay_once(server: embedded.Server, tmp_path: Path) -> None:
    """And what its files did is the same as on another database, of another name and other OIDs."""
    with fresh_database(server) as name:
        secret = tmp_path / "staging.dsn"
        secret.write_text(server.dsn(name))
        with psycopg.connect(server.dsn(name), autocommit=True) as connection:
            marker.write(connection, "staging", rehearse=True)
        root = written(tmp_path / "project", str(secret))
        with pytest.raises(errors.Refused, match="'production' is not for 'staging'"):
            rehearse(root, "staging", overlay="production")
        first = rehearse(root, "staging")
        assert first.ok, first.findings
        assert (first.counts.overlays, first.counts.rollbacks_missing, first.migrations[-1].overlay) == (
            1,
            1,
            True,
        )
        assert "db/staging.sql: an overlay without a rollback script" in " ".join(first.findings)
        again = rehearse(root, "staging")
        assert (again.ok, again.counts.pending) == (True, 0)
        (root / "db" / "staging.sql").write_text(f"-- again\n{LABEL}")
        edited = rehearse(root, "staging")
        assert [each.file for each in edited.migrations] == ["db/staging.sql"]
        (root / "db" / "staging.sql").write_text(LABEL)
    assert find(root, "staging").rehearsal.started == first.started
    away = rehearse(root, overlay="staging", require_rollback=True)
    assert (away.ok, away.change_digest) == (False, first.change_digest)
    assert "1 migration without a rollback script" in away.summary
    one, other = (files(each) for each in (first, away))
    assert one == other


def files(found: Rehearsal) -> list[dict[str, Any]]:
    """Return what a rehearsal's files did, without what took its time."""
    read = json.loads((Path(found.bundle or "") / deltas.NAME).read_text())["files"]
    return [{name: value for name, value in each.items() if name != "duration_ms"} for each in read]
