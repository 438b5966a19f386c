"""Migrations rolled back in a guarded database: only what a rehearsal has proven, and it goes on after a kill."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import bundle, database, embedded, errors, promotions, schema_rollback, schema_rollback_clone
from ops import schema_rollback_end as end
from ops import schema_rollback_plan as planning
from ops import schema_rollback_steps as steps
from ops.frozen import Frozen, RehearsedBy, Target
from ops.schema_rollback import RollbackChoices, RollingBack
from ops.verdict import ChangeParts
from tests import fix_app, fix_schema_rollback, projects

PLAN = Frozen(
    project="shop",
    environment="production",
    commit=None,
    target=Target(system_identifier="1", database="shop", major=18),
    change=ChangeParts(migrations="", overlay="", overlay_environment="", verification="", gates=""),
    files=(),
    fingerprint="",
    rehearsal=RehearsedBy(run="", bundle="", seal="", started="", ended="", environment=""),
).model_dump_json()
HISTORY = "select version from supabase_migrations.schema_migrations order by version"
TABLES = "select to_regclass('public.notes') is not null, to_regclass('public.tags') is not null"
NOTES, TAGS, COLOURS = (name.partition("_")[0] for name in (projects.NOTES, projects.TAGS, projects.COLOURS))


@pytest.fixture(scope="module")
def proven(server: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the evidence of its rehearsal; each test has a database of its own."""
    root = fix_schema_rollback.write(tmp_path_factory.mktemp("proven"), "", more="guarded = true")
    fix_schema_rollback.rehearse(root)
    return root


@pytest.fixture
def dsn(proven: Path, shaped: str) -> str:
    (proven.parent / "shop.dsn").write_text(shaped)
    fix_schema_rollback.apply_all(proven, shaped)
    return shaped


def begin(root: Path, run: str = "run", *, compared: bool = False, **choices: object) -> RollingBack:
    rolling = schema_rollback.opened(
        schema_rollback.plan(str(root), "production", RollbackChoices.model_validate(choices))
    )
    rolling.bundle = bundle.Bundle(root, "schema-rollback", run, 1, rolling.started)
    planning.find_applied(rolling)
    planning.find_proofs(rolling)
    planning.find_losses(rolling)
    if compared:
        schema_rollback_clone.expect(rolling)
    return rolling


def carry_out(rolling: RollingBack, most: int = 9) -> None:
    with rolling.ends:
        steps.take_lock(rolling)
        for migration in rolling.order[:most]:
            steps.roll_back(rolling, migration)


def test_the_last_ones_go_in_reverse(proven: Path, dsn: str):
    rolling = begin(proven, compared=True, last=2)
    assert [each.version for each in rolling.order] == [COLOURS, TAGS]
    assert not rolling.findings, rolling.findings
    assert [(row["what"], row["rows"]) for row in rolling.losses] == [
        ("public.tags.colour", "5 values"),
        ("public.tags", "5 rows"),
    ]
    document = rolling.proposal("schema-rollback").document
    assert "| public.tags | dropped | 5 rows |" in document
    carry_out(rolling)
    assert steps.verify(rolling).ok
    assert fix_app.ask(dsn, HISTORY) == [(NOTES,)]
    assert fix_app.ask(dsn, TABLES) == [(True, False)]
    assert {each.object for each in rolling.removed[COLOURS]} == {"public.tags.colour"}
    with pytest.raises(errors.Refused, match="1 applied migrations can be rolled back, fewer"):
        begin(proven, "run-2", last=2)


def test_a_killed_run_goes_on_and_needs_no_new_approval(proven: Path, dsn: str):
    first = begin(proven, down_to=NOTES)
    carry_out(first, most=1)
    assert fix_app.ask(dsn, HISTORY) == [(NOTES,), (TAGS,)]
    again = begin(proven, down_to=NOTES)
    assert (again.digest, again.done) == (first.digest, {COLOURS})
    carry_out(again)
    assert fix_app.ask(dsn, HISTORY) == [(NOTES,)]
    once = "select version, count(*) from runbooks.journal where action = 'rollback' group by 1 order by 1"
    assert fix_app.ask(dsn, once) == [(TAGS, 1), (COLOURS, 1)]
    done = begin(proven, down_to=NOTES)
    carry_out(done)
    assert steps.verify(done).ok


def test_what_was_applied_again_since_is_not_rolled_back_by_the_old_approval(proven: Path, dsn: str):
    carry_out(begin(proven, last=2), most=1)
    fix_app.execute(
        dsn,
        f"insert into supabase_migrations.schema_migrations (version) values ('{COLOURS}');"
        "insert into runbooks.journal (version, file, action, sha256, run)"
        f" values ('{COLOURS}', 'colours.sql', 'apply', 'x', 'Promote shop again')",
    )
    with pytest.raises(errors.Refused, match=f"Version {COLOURS} was applied by Promote shop again since"):
        begin(proven, last=2)
    assert (TAGS,) in fix_app.ask(dsn, HISTORY)


def test_a_promotion_that_was_begun_since_is_not_undone_by_the_old_approval(proven: Path, dsn: str):
    carry_out(begin(proven, last=2), most=1)
    with database.connect(dsn) as connection:
        promotions.prepare(connection)
    fix_app.execute(
        dsn,
        "insert into runbooks.promotions (environment, plan_digest, run, plan, before, expected) values"
        f" ('production', 'd', 'Promote shop', '{PLAN}', '[]', '{{}}')",
    )
    with pytest.raises(errors.Refused, match="The promotion Promote shop was begun since this was approved"):
        begin(proven, last=2)
    assert (TAGS,) in fix_app.ask(dsn, HISTORY)


def test_only_proven_scripts_of_exactly_these_files(proven: Path, dsn: str, tmp_path: Path):
    script = proven / "supabase" / "rollbacks" / f"{projects.COLOURS}.down.sql"
    before = script.read_text()
    script.write_text(before + "-- edited\n")
    try:
        with pytest.raises(errors.Refused, match=r"has proven the rollback of 20260103000000_colours\.sql"):
            begin(proven)
    finally:
        script.write_text(before)
    sealed = next(proven.glob("artifacts/ops/*/rehearsal_*")) / "rehearsal.json"
    text = sealed.read_text()
    sealed.write_text(text + " ")
    try:
        with pytest.raises(errors.Refused, match="No sealed rehearsal that passed"):
            begin(proven)
    finally:
        sealed.write_text(text)
    assert begin(proven).proofs


def test_what_other_hands_applied_above_is_refused(proven: Path, dsn: str):
    fix_app.execute(
        dsn, "insert into supabase_migrations.schema_migrations (version) values ('20260104000000')"
    )
    with pytest.raises(errors.Refused, match="Other hands have applied 20260104000000 above"):
        begin(proven)


def test_a_file_that_is_not_the_one_that_was_applied_is_refused(proven: Path, dsn: str):
    fix_app.execute(dsn, f"update runbooks.journal set sha256 = 'other' where version = '{COLOURS}'")
    with pytest.raises(errors.Refused, match="is not the file that was applied"):
        begin(proven)


def test_a_schema_that_changed_after_the_approval_is_refused(proven: Path, dsn: str):
    rolling = begin(proven)
    fix_app.execute(dsn, "create table public.late (id bigint)")
    with pytest.raises(errors.Refused, match="not what it was when this was approved"), rolling.ends:
        steps.take_lock(rolling)


def test_a_script_that_would_take_more_here_than_on_a_clone_is_not_committed(proven: Path, dsn: str):
    fix_app.execute(dsn, "create view public.colours as select colour from public.tags")
    rolling = begin(proven, last=1)
    with pytest.raises(errors.CheckFailed, match=r"its rollback failed: .*cannot drop column"):
        carry_out(rolling)
    fix_app.execute(dsn, "drop view public.colours; create index late on public.tags (colour)")
    rolling = begin(proven, "run-2", compared=True, last=1)
    with pytest.raises(errors.CheckFailed, match=r"something else here than on a clone: index public\.late"):
        carry_out(rolling)
    assert fix_app.ask(dsn, HISTORY) == [(NOTES,), (TAGS,), (COLOURS,)]
    assert end.conclude_broken(rolling, errors.CheckFailed("so")).rolled_back == ()


def test_one_at_a_time(proven: Path, dsn: str):
    first, second = begin(proven), begin(proven, "run-2")
    with first.ends:
        steps.take_lock(first)
        with pytest.raises(
            errors.Refused, match="Another run is working on this database: schema-rollback run"
        ):
            steps.take_lock(second)
