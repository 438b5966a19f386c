"""What is pending, and what the database contradicts: healthy, broken, seen, mended, gone."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from ops import database, errors, inventory, migrations, project, reversal
from tests import projects
from tests.fix_site import MakeSite, Site

NOTES, TAGS, COLOURS = (
    f"supabase/migrations/{key}.sql" for key in (projects.NOTES, projects.TAGS, projects.COLOURS)
)


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(projects.sound)


def version(file: str) -> str:
    return file.rpartition("/")[2].partition("_")[0]


def test_before_anything_ran_all_is_pending(site: Site) -> None:
    found = site.take()
    assert found.ok
    assert [entry.state for entry in found.entries] == ["pending"] * 3
    assert found.pending == tuple(version(file) for file in (NOTES, TAGS, COLOURS))
    assert found.summary == "3 pending of 3 migration files (3 pending)."
    assert found.rows[0]["rollback"] == f"supabase/rollbacks/{projects.NOTES}.down.sql"
    assert {row["transactional"] for row in found.rows} == {"yes"}


def test_without_a_history_table_all_is_pending(make_site: MakeSite, bare: str) -> None:
    with database.connect(bare) as connection:
        found = inventory.take(connection, make_site(projects.sound).found())
    assert len(found.pending) == 3


def test_a_missing_rollback_and_a_file_outside_transactions_are_told(make_site: MakeSite) -> None:
    found = make_site(projects.concurrent_index).take()
    assert [row["transactional"] for row in found.rows] == ["yes", "no"]
    (row,) = make_site(projects.plain).take().rows[:1]
    assert row["rollback"] != ""


def test_a_migration_without_a_script_says_none(make_site: MakeSite) -> None:
    assert make_site(projects.plain).take().rows[0]["rollback"] == "none"


def test_what_we_applied_is_applied(site: Site) -> None:
    site.apply(version(NOTES))
    assert site.states() == {NOTES: "applied", TAGS: "pending", COLOURS: "pending"}
    site.apply(version(TAGS), version(COLOURS))
    found = site.take()
    assert found.ok
    assert found.pending == ()
    assert found.remote == tuple(version(file) for file in (NOTES, TAGS, COLOURS))


def test_what_we_rolled_back_is_pending_again(site: Site) -> None:
    site.apply()
    site.target.observe()
    last = site.found()[-1]
    assert reversal.backward(site.target, last).outcome.ok
    site.target.close()
    assert site.states() == {NOTES: "applied", TAGS: "applied", COLOURS: "pending"}
    site.push(version(COLOURS))
    assert site.entry(COLOURS).state == "other-hands"


def test_a_file_edited_after_it_was_applied_is_seen_by_its_checksum(site: Site) -> None:
    site.apply()
    before = site.path(TAGS).read_text()
    site.path(TAGS).write_text(before.replace("label text", "label varchar"))
    found = site.take()
    assert not found.ok
    assert site.entry(TAGS).state == "edited"
    assert "in what it does" in site.entry(TAGS).findings[0]
    assert found.refusals[0].startswith(TAGS)
    site.path(TAGS).write_text("-- a remark\n" + before)
    assert "only in white space or comments" in site.entry(TAGS).findings[0]
    site.path(TAGS).write_text(before)
    assert site.take().ok


def test_a_file_edited_after_other_hands_applied_it_is_seen_by_its_statements(site: Site) -> None:
    site.push()
    assert set(site.states().values()) == {"other-hands"}
    before = site.path(TAGS).read_text()
    site.path(TAGS).write_text(before.replace("label text", "label varchar"))
    assert site.entry(TAGS).state == "edited"
    assert "statements are not those that were stored" in site.entry(TAGS).findings[1]
    assert not site.take().ok
    site.path(TAGS).write_text("-- a remark\n\n" + before.replace(";\n", " ;\r\n"))
    assert site.entry(TAGS).state == "other-hands"
    assert site.take().ok


def test_other_hands_are_told_and_block_nothing(site: Site) -> None:
    site.apply(version(NOTES))
    site.push(version(TAGS))
    assert site.states() == {NOTES: "applied", TAGS: "other-hands", COLOURS: "pending"}
    assert "Applied by other hands" in site.entry(TAGS).findings[0]
    found = site.take()
    assert found.ok
    assert found.findings == (
        f"1 migration was applied by other hands (in the history, not in the journal), the last is {TAGS}.",
    )


def test_a_history_without_statements_is_said_to_hide_edits(site: Site) -> None:
    site.push(version(NOTES))
    site.execute("update supabase_migrations.schema_migrations set statements = null")
    assert site.entry(NOTES).state == "other-hands"
    assert "an edit would not show" in site.entry(NOTES).findings[1]


def test_the_history_of_an_old_cli_is_read(make_site: MakeSite, bare: str) -> None:
    with database.connect(bare) as connection:
        connection.execute("create schema supabase_migrations")
        connection.execute("create table supabase_migrations.schema_migrations (version text primary key)")
        connection.execute("insert into supabase_migrations.schema_migrations values (%s)", (version(NOTES),))
        found = inventory.take(connection, make_site(projects.sound).found())
    assert [entry.state for entry in found.entries] == ["other-hands", "pending", "pending"]


def test_an_applied_version_without_a_file_is_refused_until_the_file_is_back(site: Site) -> None:
    site.apply()
    text = site.path(TAGS).read_text()
    site.path(TAGS).unlink()
    found = site.take()
    assert not found.ok
    assert site.entry(version(TAGS)).state == "missing-file"
    assert "supabase migration fetch" in found.refusals[0]
    site.path(TAGS).write_text(text)
    assert site.take().ok


def test_objects_without_a_history_row_are_a_partial_apply(site: Site) -> None:
    site.apply(version(NOTES))
    site.execute("create table public.tags (id bigint)")
    entry = site.entry(TAGS)
    assert entry.state == "partly-applied"
    assert (
        "1 of the 3 objects it makes exist although its history row does not: table public.tags"
        in " ".join(entry.findings)
    )
    assert not site.take().ok
    assert "supabase migration repair" in site.take().refusals[0]
    site.execute("drop table public.tags")
    assert site.states()[TAGS] == "pending"
    assert site.take().ok


def test_a_version_below_the_highest_applied_is_out_of_order(site: Site) -> None:
    site.apply(version(NOTES))
    site.path(COLOURS).unlink()
    late = site.root / "supabase/migrations/20250101000000_late.sql"
    late.write_text("create table public.late (id bigint);\n")
    name = late.relative_to(site.root).as_posix()
    assert site.states() == {name: "out-of-order", NOTES: "applied", TAGS: "pending"}
    assert not site.take().ok
    assert "Give it a version above that one" in site.take().refusals[0]
    allowed = site.take(out_of_order=True)
    assert allowed.ok
    assert allowed.pending == ("20250101000000", version(TAGS))
    late.rename(site.root / "supabase/migrations/20260201000000_late.sql")
    assert site.take().ok


def test_versions_are_ordered_as_text_as_the_supabase_cli_does(make_site: MakeSite) -> None:
    names = {"1_a": "a", "10_b": "b", "2_c": "c"}
    site = make_site(
        lambda root: projects.write(
            root, migrations={key: f"create table public.{t} (id bigint);\n" for key, t in names.items()}
        )
    )
    assert site.take().pending == ("1", "10", "2")
    site.apply("1", "10")
    assert site.take().ok
    assert site.take().pending == ("2",)


def test_two_files_of_one_version_are_told(site: Site) -> None:
    twin = site.path(TAGS).with_name(f"{version(TAGS)}_again.sql")
    twin.write_text("select 1;\n")
    assert list(site.states().values()).count("duplicate") == 2
    site.apply(version(NOTES))
    assert "belongs to 2 files" in site.entry(TAGS).findings[0]
    twin.unlink()
    assert site.states()[TAGS] == "pending"


def test_of_two_files_of_one_version_the_applied_one_is_known_by_its_name(site: Site) -> None:
    site.apply()
    twin = site.path(TAGS).with_name(f"{version(TAGS)}_again.sql")
    twin.write_text("select 1;\n")
    states = site.states()
    assert states[TAGS] == "applied"
    assert states[twin.relative_to(site.root).as_posix()] == "duplicate"


def test_names_that_the_supabase_cli_skips_are_told(site: Site) -> None:
    for name in ("20260104000000.sql", "20260105000000-dash.sql", "notes.sql"):
        (site.root / "supabase/migrations" / name).write_text("select 1;\n")
    found = site.take(overlooked=migrations.skipped(project.load(site.root)))
    said = [entry.findings[0] for entry in found.entries if entry.state == "skipped"]
    assert len(said) == 3
    assert all("as the Supabase CLI does" in sentence for sentence in said)
    assert found.ok
    assert len(found.pending) == 3


def test_a_file_that_must_be_refused_is_told(make_site: MakeSite) -> None:
    site = make_site(projects.refused_file)
    assert site.entry(TAGS).state == "refused"
    assert "NUL byte" in site.entry(TAGS).findings[0]


def test_what_the_project_expects_to_touch_and_what_is_pending(site: Site) -> None:
    site.apply(version(NOTES))
    assert site.take(expects=["*_tags.sql", "20260103*"]).findings == ()
    assert site.take(expects=None).findings == ()
    surprise = site.take(expects=["*_tags.sql", "*_prices.sql"])
    assert surprise.findings == (
        f"{COLOURS} is pending, and the project does not expect it.",
        "The project expects to touch *_prices.sql, and nothing pending matches.",
    )
    assert surprise.ok
    assert len(site.take(expects=[]).findings) == 2
    site.apply(version(TAGS), version(COLOURS))
    assert site.take(expects=["*_tags.sql"]).findings == (
        "The project expects to touch *_tags.sql, and nothing pending matches.",
    )


def test_a_role_that_may_not_read_the_history_is_refused(site: Site, shaped_admin: str) -> None:
    site.apply()
    with psycopg.connect(shaped_admin, autocommit=True) as admin:
        admin.execute("set role anon")
        with pytest.raises(errors.Refused, match=r"may not read supabase_migrations\.schema_migrations"):
            inventory.take(admin, site.found())


def test_the_table_is_the_one_of_supabase_migration_list(site: Site) -> None:
    site.apply(version(NOTES))
    lines = site.take().as_text().splitlines()
    assert lines[0].split("|") == ["  Local          ", " Remote         ", " Time (UTC)"]
    assert lines[2] == "  20260101000000 | 20260101000000 | 2026-01-01 00:00:00"
    assert lines[3] == "  20260102000000 |                | 2026-01-02 00:00:00"
    site.path(NOTES).unlink()
    assert "                 | 20260101000000 | 2026-01-01 00:00:00" in site.take().as_text().splitlines()


@pytest.mark.parametrize("count", [5, 60])
def test_the_number_of_questions_does_not_grow_with_the_number_of_files(
    make_site: MakeSite, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(lambda root: projects.generated(root, count=count))
    found = site.found()
    asked: list[Any] = []
    execute = psycopg.Connection.execute

    def counting(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        asked.append(query)
        return execute(self, query, *arguments, **options)

    monkeypatch.setattr(psycopg.Connection, "execute", counting)
    inventory.take(site.connection, found)
    assert len(asked) == 4
