"""The hand-off note: whole, readable as Markdown, without secrets, and bounded whatever happened."""

from __future__ import annotations

import re

import pytest

from ops import note, secrets
from ops.verdict import Chain, Contract, ContractFile, Difference, Failure, Rls, RlsFinding, Rollback
from tests import reports

LOGS = {"Connectivity check": "ipv4_pooler_check_140211.log", "Apply log": "migration_apply.log"}


def sections(text: str) -> dict[str, str]:
    """Return the text under each heading of the second level."""
    parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("name", reports.ALL)
def test_every_note_says_what_a_hand_off_needs(name: str) -> None:
    found = reports.ALL[name]()
    text = note.markdown(found, logs=LOGS)
    assert text.startswith(f"# {found.verdict.upper()}: storefront on throw-away\n")
    titles = list(sections(text))
    assert [title for title in titles if title in {"Blockers", "Follow-ups", "Next action", "Logs"}] == [
        "Blockers",
        "Follow-ups",
        "Next action",
        "Logs",
    ]
    assert sections(text)["Next action"].strip()


def test_passed_rehearsal_has_no_blockers_and_names_its_follow_ups() -> None:
    found = sections(note.markdown(reports.passed()))
    assert found["Blockers"].strip() == "None."
    assert (
        "Write a rollback script for supabase/migrations/20250000000003\\_guided\\_selling\\_graph.sql"
        in (found["Follow-ups"])
    )
    assert "names major version 15" in found["Follow-ups"]


def test_failed_rehearsal_names_place_code_hint_and_statement() -> None:
    text = note.markdown(reports.failed())
    failed = sections(text)["What failed"]
    assert "20250000000003\\_programmatic\\_seo\\_blueprints.sql:14:3 42703 column" in failed
    assert "Hint: There is a column named “sku\\_id” in the table." in failed
    assert "```sql\nalter table public.programmatic_seo_blueprints\n" in failed
    rollbacks = sections(text)["Rollbacks that do not restore"]
    assert "policy public.orders: staff read: lost" in rollbacks
    assert "3 of 40 rows lost" in rollbacks
    assert "11 of 12 passed, 1 failed: anon reads orders" in sections(text)["Contract"]


def test_what_needs_attention_comes_first_in_the_table() -> None:
    rows = [
        line
        for line in sections(note.markdown(reports.failed()))["Migrations"].splitlines()
        if ".sql" in line
    ]
    assert [row.split("|")[2].strip() for row in rows] == [
        "applied",
        "failed",
        "applied",
        "skipped",
        "skipped",
    ]


def test_logs_are_linked() -> None:
    found = sections(note.markdown(reports.passed(), logs=LOGS))["Logs"]
    assert "- Connectivity check: [ipv4_pooler_check_140211.log](ipv4_pooler_check_140211.log)" in found
    assert "Logs" not in sections(note.markdown(reports.passed()))


def test_huge_result_stays_a_note() -> None:
    text = note.markdown(reports.huge())
    assert len(text) < 200_000
    assert "more in `rehearsal.json`" in text


def test_names_and_messages_stay_text() -> None:
    hostile = "a`b*c_d[e](http://x)|f<script>alert(1)</script>\n# heading\n\n- item"
    error = Failure(message=hostile, sqlstate="P0001", statement="select '```'; -- fence\n````sql")
    found = reports.rehearsal(
        reports.migration(1, "catalog", error=error),
        ok=False,
        summary=hostile,
        findings=(hostile,),
        chain=Chain(status="differs", differences=(Difference(kind="table", object=hostile, after=hostile),)),
        contract=Contract(files=(ContractFile(name=hostile, failed=1, failures=(hostile,)),)),
        rls=Rls(findings=(RlsFinding(table="public.t", message=hostile),)),
    )
    text = note.markdown(found)
    assert "<script>" not in text
    assert "\n# heading" not in text
    assert "\n- item" not in text
    assert "[e](" not in text
    table = [line for line in sections(text)["Contract"].splitlines() if "script" in line]
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 3 for line in table)
    assert "`````sql\nselect '```'; -- fence\n````sql\n`````" in text


def test_note_has_no_secret() -> None:
    secrets.remember("hunter2hunter2")
    error = Failure(message="password hunter2hunter2", statement="alter role x password 'hunter2hunter2'")
    failed = Rollback(script="a.sql", status="failed", error=error)
    text = note.markdown(
        reports.rehearsal(reports.migration(1, "a", rollback=failed), ok=False, summary="hunter2hunter2")
    )
    assert "hunter2" not in text
    assert secrets.MASK in text
