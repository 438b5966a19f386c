"""The comment of a pull request: the verdict first, readable as Markdown, bounded, and calling nobody."""

from __future__ import annotations

from typing import Any

import pytest

from ops import pull_request_note, secrets
from ops.drift import Side
from ops.pull_request_result import Branch, Change, PullRequest, StagingDrift, Verification
from ops.verdict import Base, ContractFile, Difference, Failure, MigrationResult, Reapply, Rollback, Verdict

SIDE = Side(
    secret="env:S", database="postgres", role="postgres", server_version="17.4", server_major=17, objects=9
)


def found(**more: Any) -> PullRequest:
    facts: dict[str, Any] = {
        "ok": False,
        "verdict": Verdict.FAILED,
        "summary": "shop: 1 migration file changed that may not change.",
        "project": "shop",
        "environment": "throw-away",
        "started": "2026-11-21T20:00:00+00:00",
        "base": Base(place="throw-away", server_version="18.1"),
        "branch": Branch(base="origin/main", merge_base="a" * 40, head="b" * 40),
    }
    return PullRequest(**(facts | more))


def migration(number: int, **more: Any) -> MigrationResult:
    facts: dict[str, Any] = {
        "file": f"supabase/migrations/{number:014d}_step.sql",
        "version": f"{number:014d}",
        "status": "applied",
        "rollback": Rollback(status="proven"),
        "reapply": Reapply(status="same"),
    }
    return MigrationResult(**(facts | more))


def drifted(*differences: Difference, **more: Any) -> StagingDrift:
    return StagingDrift(
        status="differs",
        staging=SIDE,
        compared_with="the base's 2 migrations",
        differences=differences,
        **more,
    )


def table(text: str, heading: str) -> list[str]:
    part = text.split(f"### {heading}\n")[1].split("\n### ")[0]
    return [line for line in part.splitlines() if line.startswith("| ")][2:]


def test_the_mark_comes_first_then_the_verdict_then_migrations_findings_and_drift() -> None:
    edited = Change(
        kind="edited", file="supabase/migrations/1_a.sql", line=4, said="is edited here.", fails=True
    )
    text = pull_request_note.markdown(
        found(
            branch=Branch(base="main", changes=(edited,)),
            migrations=(migration(2),),
            drift=drifted(Difference(kind="table", object="public.by_hand", after="x")),
        )
    )
    lines = text.splitlines()
    assert lines[0] == pull_request_note.marker("shop")
    assert lines[2] == "## ❌ FAILED: shop"
    order = [text.index(each) for each in ("### Migrations", "### What must be mended", "### Drift", "<sub>")]
    assert order == sorted(order)
    assert "- `supabase/migrations/1_a.sql:4` is edited here." in lines


def test_the_table_of_migrations_says_the_state_of_each_rollback_the_worst_first() -> None:
    text = pull_request_note.markdown(
        found(
            migrations=(
                migration(1),
                migration(2, rollback=Rollback(status="missing"), reapply=Reapply(status="skipped")),
                migration(3, rollback=Rollback(status="differs")),
            )
        )
    )
    rows = [row.split(" | ")[2] for row in table(text, "Migrations")]
    assert rows == ["❌ differs", "✅ proven", "⚠️ missing"]


def test_what_differs_is_shown_without_what_is_the_same() -> None:
    before, after = "as permissive\nusing (a)", "as permissive\nusing (true)"
    gone = Difference(kind="function", object="public.f(integer)", before="one | two")
    text = pull_request_note.markdown(
        found(drift=drifted(Difference(kind="policy", object="s.t.own", before=before, after=after), gone))
    )
    assert table(text, "Drift") == [
        "| policy s.t.own | not the same | using (a) | using (true) |",
        "| function public.f(integer) | only in the migrations | one \\| two |  |",
    ]


def test_what_was_not_looked_at_is_said_to_be_so() -> None:
    text = pull_request_note.markdown(found())
    assert "Nothing is added." in text
    assert "Not looked for: the gate never began." in text
    text = pull_request_note.markdown(
        found(error=Failure(message="no"), drift=StagingDrift(reason="no staging was named"))
    )
    assert "Nothing was rehearsed." in text
    assert "Not looked for: no staging was named." in text


def test_a_files_name_and_an_objects_are_no_markup() -> None:
    name = "supabase/migrations/1_`a|<b>@acme`.sql"
    changed = Change(kind="edited", file=name, line=4, said="calls @acme, [x](y)", fails=True)
    gone = Difference(kind="table", object='public."a | <img src=x> `b`"', before="https://evil.example #1")
    text = pull_request_note.markdown(
        found(branch=Branch(base="@acme", changes=(changed,)), drift=drifted(gone))
    )
    assert "- `supabase/migrations/1_'a|<b>@\u200bacme'.sql:4` calls @\u200bacme, \\[x\\](y)" in text
    (row,) = table(text, "Drift")
    assert row.replace("\\|", "").count("|") == 5
    for said in ("<img", "https://", "#1", "@acme"):
        assert said not in text


def test_a_secret_is_not_cut_in_two() -> None:
    secrets.remember("correct-horse-battery-staple")
    text = pull_request_note.markdown(found(summary="x" * 390 + "correct-horse-battery-staple"))
    assert "correct" not in text


def test_a_script_that_fails_and_a_glob_that_matches_nothing_are_named() -> None:
    file = ContractFile(
        name="supabase/verify/a.sql", failed=1, failures=("supabase/verify/a.sql:3: ok is false",)
    )
    verification = Verification(files=(file,), missing=("verfy/*.sql",))
    text = pull_request_note.markdown(found(verification=verification))
    assert "supabase/verify/a.sql:3: ok is false" in text
    assert "No verification script matches `verfy/*.sql`." in text


def crowded(size: int) -> PullRequest:
    wide, long = "ß" * size, "x" * size
    differences = tuple(Difference(kind="table", object=f"public.t{n}", after=wide) for n in range(400))
    changes = tuple(Change(kind="edited", file=f"{n}.sql", said=long, fails=True) for n in range(400))
    return found(
        summary="y" * size,
        branch=Branch(base="main", changes=changes),
        migrations=tuple(migration(n) for n in range(400)),
        drift=drifted(*differences),
        findings=("z" * size,) * 400,
    )


@pytest.mark.parametrize("size", [10, 1_000, 1_000_000])
def test_however_much_there_is_it_is_no_longer_than_github_takes(size: int) -> None:
    text = pull_request_note.markdown(crowded(size))
    assert len(text) <= len(text.encode()) <= 65_536
    assert text.startswith(pull_request_note.marker("shop"))
    assert "❌ FAILED" in text
    assert "more in the evidence" in text
    assert text.rstrip().endswith("</sub>")


def test_even_the_least_is_cut_where_it_is_too_long() -> None:
    text = pull_request_note.markdown(crowded(1_000), limit=400)
    assert len(text.encode()) <= 400
    assert text.startswith(pull_request_note.marker("shop"))


def test_nobody_is_called_and_nothing_passes_for_markup() -> None:
    text = pull_request_note.markdown(found(summary="by @acme/owners <img src=x> [x](y)"))
    assert "@acme" not in text
    assert "<img" not in text
    assert "\\[x\\](y)" in text


def test_no_secret_stands_in_it() -> None:
    secrets.remember("hunter22hunter22")
    assert "hunter22" not in pull_request_note.markdown(found(summary="password hunter22hunter22"))


@pytest.mark.parametrize("project", ["a --> b", "a\nb", "ä/b"])
def test_the_mark_ends_where_it_should(project: str) -> None:
    mark = pull_request_note.marker(project)
    assert mark.count("-->") == 1
    assert "\n" not in mark
