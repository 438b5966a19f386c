"""Overlays: applied once in their environment, known to the journal alone, and never taken for migrations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ops import contract, errors, journal, migrations, overlays, project, reversal, rows
from ops.migrations import Migration
from ops.target import Target
from tests import projects
from tests.fix_site import MakeSite, Site

CONFIG = """\
[environments.staging]
overlays = ["db/*_staging.sql"]
"""
LABEL = "update public.notes set body = upper(body);\n"
BACK = "update public.notes set body = lower(body);\n"
STOREFRONT = Path(__file__).parents[2] / "examples" / "storefront"
INDEX = "create index concurrently notes_owner_idx on public.notes (owner);\n"


def write(
    root: Path, *, version: str = "20260104000000", forth: str = LABEL, back: str | None = BACK
) -> Path:
    """Write the sound project with an overlay of staging."""
    files = {f"db/{version}_staging.sql": forth}
    if back is not None:
        files[f"db/{version}_staging.down.sql"] = back
    return projects.write(projects.sound(root), migrations={}, config=CONFIG, files=files)


def found(site: Site) -> tuple[Migration, ...]:
    operated = project.load(site.root)
    return overlays.find(operated, operated.environment("staging"))


def pending(site: Site) -> list[str]:
    return [each.path.name for each in overlays.pending(site.connection, found(site))]


def journaled(site: Site) -> list[tuple[Any, ...]]:
    return site.connection.execute(
        "select file, action from runbooks.journal where version like 'overlay %' order by id"
    ).fetchall()


@pytest.mark.parametrize("version", ["20260102000000", "20250101000000", "20270101000000"])
def test_the_inventory_does_not_see_it_whatever_its_version(make_site: MakeSite, version: str) -> None:
    site = make_site(lambda root: write(root, version=version))
    (overlay,) = found(site)
    assert (overlay.version, overlay.name, overlay.overlay) == (version, "staging", True)
    assert overlay.rollback is not None
    assert [m.rollback is not None for m in site.found()] == [True] * 3
    site.apply(*(key.partition("_")[0] for key in (projects.NOTES, projects.TAGS)))
    before = site.take()
    site.target.observe()
    assert reversal.forward(site.target, overlay).outcome.ok
    assert site.take() == before
    assert reversal.backward(site.target, overlay).outcome.ok
    site.apply(*before.pending)
    assert set(site.states().values()) == {"applied"}


def test_it_is_applied_once_and_again_when_it_was_edited(make_site: MakeSite) -> None:
    site = make_site(write)
    site.apply()
    site.target.observe()
    assert pending(site) == ["20260104000000_staging.sql"]
    (overlay,) = found(site)
    step = reversal.forward(site.target, overlay)
    proof = reversal.prove(site.target, overlay, step)
    assert (proof.rollback.status, proof.reapply.status) == ("proven", "same")
    assert pending(site) == []
    (known,) = overlays.applied(site.connection)
    assert (known.file, known.sha256, known.run) == (overlay.file, overlay.sha256, "run-1")
    assert overlay.rollback
    forth, back = (overlay.file, "apply"), (overlay.rollback.file, "rollback")
    assert journaled(site) == [forth, back, forth]
    overlay.path.write_text(f"-- another\n{LABEL}")
    assert pending(site) == ["20260104000000_staging.sql"]
    overlay.path.write_text(LABEL)
    assert reversal.backward(site.target, overlay).outcome.ok
    assert (pending(site), overlays.applied(site.connection)) == (["20260104000000_staging.sql"], ())


def test_without_a_journal_all_are_pending(make_site: MakeSite) -> None:
    site = make_site(write)
    site.execute("drop table runbooks.journal")
    assert pending(site) == ["20260104000000_staging.sql"]


def test_an_interrupted_one_goes_on_where_it_was(make_site: MakeSite) -> None:
    site = make_site(lambda root: write(root, forth=f"{LABEL}{INDEX}", back=None))
    site.apply()
    site.target.observe()
    (overlay,) = found(site)
    site.execute("update public.notes set body = upper(body)")
    journal.mark(site.connection, reversal.forward_entry(overlay), run="killed", unit=0, done=True)
    assert site.take().ok
    site.target.throw_away = False
    outcome = reversal.forward(site.target, overlay).outcome
    assert (outcome.ok, outcome.resumed, outcome.transactional) == (True, True, False)
    assert "unit 1 of 2 was done before an interruption" in outcome.notes
    assert pending(site) == []


def test_a_rollback_that_was_interrupted_is_pending_and_refused_when_it_was_edited(
    make_site: MakeSite,
) -> None:
    site = make_site(
        lambda root: write(root, forth=INDEX, back="drop index concurrently public.notes_owner_idx;\n")
    )
    site.apply()
    site.target.observe()
    (overlay,) = found(site)
    assert reversal.forward(site.target, overlay).outcome.ok
    assert overlay.rollback
    entry = journal.Entry(
        overlay.key, "", overlay.rollback.file, overlay.rollback.sha256, "rollback", (), history=False
    )
    journal.mark(site.connection, entry, run="killed", unit=0, done=False)
    assert site.take().ok
    assert overlays.unfinished(site.connection, found(site)) == (overlay.key,)
    assert pending(site) == [overlay.path.name]
    overlay.rollback.path.write_text("drop index public.notes_owner_idx;\n")
    with pytest.raises(errors.Refused, match="Restore that file"):
        pending(site)


def test_a_rollback_through_psql_is_journaled_with_it(make_site: MakeSite) -> None:
    site = make_site(lambda root: write(root, back=f"\\set quiet on\n{BACK}"))
    site.apply()
    site.target.observe()
    (overlay,) = found(site)
    proof = reversal.prove(site.target, overlay, reversal.forward(site.target, overlay))
    assert (proof.rollback.status, proof.rollback.error) == ("proven", None)
    assert [action for _, action in journaled(site)] == ["apply", "rollback", "apply"]
    assert site.connection.execute(
        "select count(*) from supabase_migrations.schema_migrations"
    ).fetchone() == (3,)


def test_a_script_of_the_migration_of_the_same_version_is_not_its_rollback(tmp_path: Path) -> None:
    root = write(tmp_path, version="20260102000000", back=None)
    operated = project.load(root)
    (overlay,) = overlays.find(operated, operated.environment("staging"))
    assert overlay.rollback is None


@pytest.mark.parametrize(
    ("globs", "said"),
    [
        ('"db/nothing*.sql"', "No file matches 'db/nothing"),
        (f'"supabase/migrations/{projects.TAGS}.sql"', "a migration as well"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, globs: str, said: str) -> None:
    config = f"[environments.staging]\noverlays = [{globs}]\n"
    operated = project.load(projects.write(projects.sound(tmp_path), migrations={}, config=config))
    with pytest.raises(errors.Refused, match=said.replace("*", r"\*")):
        overlays.find(operated, operated.environment("staging"))


def test_each_overlay_of_the_example_is_proven_and_the_gates_of_its_environment_hold(target: Target) -> None:
    operated = project.load(STOREFRONT)
    for migration in migrations.find(operated):
        assert reversal.forward(target, migration).outcome.ok
    for environment in ("staging", "production", "single-db"):
        (overlay,) = overlays.find(operated, operated.environment(environment))
        proof = reversal.prove(target, overlay, reversal.forward(target, overlay))
        assert (proof.rollback.status, proof.reapply.status) == ("proven", "same")
        again = reversal.forward(target, overlay)
        assert again.outcome.ok
        assert rows.differences(again.rows_before, target.ledger.of(again.rows_before)) == ()
        gates = [
            gate
            for gate in operated.release.gates
            if not gate.environments or environment in gate.environments
        ]
        defaults, evaluation, indexes = (
            target.observer.execute((gate.query or "").encode()).fetchall() for gate in gates
        )
        assert defaults == [(1, 0) if environment == "single-db" else (1,)]
        assert None not in evaluation[0]
        assert {name for (name,) in indexes} >= {*gates[2].contains}
        assert not [
            file.name for file in contract.check(target.dsn, operated).files if file.failed or file.error
        ]
        assert reversal.backward(target, overlay).outcome.ok
