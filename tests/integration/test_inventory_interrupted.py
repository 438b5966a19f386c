"""What an interrupted run has begun, as the inventory sees it."""

from __future__ import annotations

from ops import journal, reversal
from tests import projects
from tests.fix_site import MakeSite


def version(file: str) -> str:
    return file.rpartition("/")[2].partition("_")[0]


NOTES = f"supabase/migrations/{projects.NOTES}.sql"


def test_an_interrupted_run_is_told_and_not_taken_for_other_hands(make_site: MakeSite) -> None:
    site = make_site(projects.concurrent_index)
    site.apply(version(NOTES))
    index = site.found()[1]
    entry = reversal.forward_entry(index)
    journal.mark(site.connection, entry, run="killed", unit=0, done=False)
    site.execute("create index notes_owner_idx on public.notes (owner)")
    assert site.entry(index.file).state == "pending"
    assert "An interrupted run has begun it" in site.entry(index.file).findings[0]
    site.path(index.file).write_text(
        "create index concurrently notes_owner_idx on public.notes (owner, id);\n"
    )
    assert site.entry(index.file).state == "partly-applied"


def test_a_rollback_that_an_interrupted_run_has_begun_is_to_be_ended(make_site: MakeSite) -> None:
    site = make_site(projects.concurrent_index)
    site.apply()
    index = site.found()[1]
    assert index.rollback
    site.connection.execute(
        "insert into runbooks.journal (version, file, action, unit, sha256, run)"
        " values (%s, %s, 'begin-unit', 0, %s, 'killed')",
        (index.version, index.rollback.file, index.rollback.sha256),
    )
    found = site.take()
    assert found.ok
    assert site.entry(index.file).state == "partly-rolled-back"
    assert (found.pending, found.unfinished) == ((index.version,), (index.version,))
    before = index.rollback.path.read_text()
    index.rollback.path.write_text(f"{before}-- edited\n")
    assert site.entry(index.file).state == "edited"
    assert "Restore that file" in site.take().refusals[0]
    index.rollback.path.write_text(before)
    site.target.observe()
    assert reversal.backward(site.target, index).outcome.ok
    site.target.close()
    assert site.entry(index.file).state == "pending"
