"""The seed around a branch: its migrations run over the base's rows, and its own seed is sown on what they make."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.pull_request_result import PullRequest
from ops.verdict import Verdict
from tests import fix_repository, projects
from tests.judging import judged

OWNER = "00000000-0000-4000-8000-000000000001"
SEED = f"insert into public.notes (owner, body) values ('{OWNER}', 'sown'), ('{OWNER}', '');\n"
NOT_EMPTY = "20260105000000_not_empty"
CHECK = "alter table public.notes add constraint not_empty check (body <> '');\n"
UNCHECK = "alter table public.notes drop constraint not_empty;\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A branch that adds nothing yet, and a base whose seed has a note without a text."""
    root = projects.write(
        tmp_path / "shop",
        migrations={projects.NOTES: projects.CREATE_NOTES},
        rollbacks={projects.NOTES: projects.DROP_NOTES},
        seed=SEED,
    )
    return fix_repository.based(root)


def added(root: Path, text: str, back: str = UNCHECK) -> PullRequest:
    fix_repository.add(root, {NOT_EMPTY: text}, {NOT_EMPTY: back})
    return judged(root)


def test_a_migration_that_the_bases_rows_break_fails(shop: Path) -> None:
    found = added(shop, CHECK)
    assert found.verdict is Verdict.FAILED
    assert found.migrations[0].error
    assert found.migrations[0].error.sqlstate == "23514"


def test_the_bases_seed_is_read_from_the_base_whatever_the_branch_says(shop: Path) -> None:
    (shop / "supabase" / "seed.sql").write_text("select 1;\n")
    found = added(shop, CHECK)
    assert found.migrations[0].error
    assert found.migrations[0].error.sqlstate == "23514"


def test_rollbacks_and_verification_see_the_rows_that_were_there(shop: Path) -> None:
    (shop / "supabase" / "seed.sql").write_text(SEED.replace("sown", "new").replace("''", "'-'"))
    projects.write(
        shop,
        migrations={},
        files={
            "supabase/verify/mended.sql": "select count(*) = 1 as one_mended from notes where body = '-';"
        },
        contract="select count(*) = 1 as sown from public.notes where body = 'new';",
    )
    mend = "update public.notes set body = '-' where body = '';\n"
    found = added(shop, mend + CHECK, UNCHECK + "update public.notes set body = '' where body = '-';\n")
    assert found.verdict is Verdict.PASSED, found.summary
    assert found.migrations[0].rollback.rows_seen == 7
    assert [(file.name, file.passed) for file in found.verification.files] == [
        ("supabase/verify/mended.sql", 1)
    ]
    assert [file.passed for file in found.contract.files] == [1]
    found = added(shop, mend + CHECK, "select 1;\n")
    assert found.migrations[0].rollback.status == "differs"


def test_a_seed_that_does_not_fit_any_more_is_said(shop: Path) -> None:
    found = added(
        shop,
        "alter table public.notes rename column body to text;\n",
        "alter table public.notes rename column text to body;\n",
    )
    assert found.verdict is Verdict.PASSED, found.summary
    assert any("seed.sql" in each and "42703" in each for each in found.findings)


def test_what_applies_only_over_the_bases_rows_fails(shop: Path) -> None:
    found = added(shop, "select 1 / count(*) from public.notes where body = 'sown';\n", "select 1;\n")
    assert found.verdict is Verdict.FAILED
    assert "without the base's seed" in found.summary
    assert "22012" in found.summary


def test_the_chain_is_proven_over_rows(shop: Path) -> None:
    (shop / "runbooks.toml").write_text(
        '[project]\ncontract = []\n[environments.throw-away]\nplace = "throw-away"\nchain = true\n'
    )
    comment = "comment on table public.notes is 'kept'"
    found = added(shop, f"{comment};\n", "comment on table public.notes is null;\n")
    assert (found.verdict, found.chain.status) == (Verdict.PASSED, "proven"), found.summary
    found = added(shop, f"{comment};\n", "delete from public.notes; comment on table public.notes is null;\n")
    assert found.verdict is Verdict.FAILED
