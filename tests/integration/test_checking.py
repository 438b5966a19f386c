"""What all scheduled checks share: a look that only reads, what is new, still and gone, and who is told of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from psycopg import conninfo

from cli import schema
from ops import errors
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence
from tasks import checking as step
from tests.fix_checks import Checkup, written

TABLE = "odd"


@check("odd tables")
def odd_tables(checking: Checking) -> Evidence:
    """Find tables with an odd name."""
    names = checking.ask(
        "select relname as name from pg_class where relname like 'odd%%' order by 1", Name, {}
    )
    return checking.found([_odd(each.name) for each in names], "No table is odd.")


@check("rows of odd tables")
def odd_rows(checking: Checking) -> Evidence:
    """Count what may not be read."""
    with checking.reading() as connection:
        connection.execute("select count(*) from public.odd")
    return checking.found([], "They can be read.")


@check("a writing look")
def writes(checking: Checking) -> Evidence:
    """Try to change something."""
    with checking.reading() as connection:
        connection.execute("create table public.odd_too ()")
    return checking.found([], "It could.")


@check("a slow look")
def sleeps(checking: Checking) -> Evidence:
    """Take long."""
    with checking.reading() as connection:
        connection.execute("select pg_sleep(60)")
    return checking.found([], "It could.")


class Name:
    def __init__(self, name: str) -> None:
        self.name = name


def _odd(name: str) -> Finding:
    severity = "failed" if name == "odd_failed" else "attention"
    return Finding(
        kind="odd-table",
        object=name,
        severity=severity,
        said=f"{name} is odd.",
        why="Nobody likes it.",
        todo="Drop it.",
    )


@pytest.fixture
def odd(checkup: Checkup) -> Checkup:
    checkup.checks = (odd_tables,)
    return checkup


def test_what_is_found_is_new_then_still_then_gone_and_told_once_per_change(odd: Checkup):
    assert (odd.run().verdict, odd.heard) == ("passed", [])
    odd.sql("create table public.odd (id int)")
    first, second = odd.run(), odd.run()
    assert [first.verdict, second.verdict] == ["attention", "attention"]
    (one,), (two,) = first.report.findings, second.report.findings
    assert (one.change, two.change) == ("new", "still")
    assert (one.first, two.first) == (first.report.at, first.report.at)
    assert [len(each.report.told) for each in (first, second)] == [1, 0]
    (heard,) = odd.heard
    assert heard["text"].startswith("DAILY-CHECKS NEEDS A LOOK: app on production.\n• odd is odd. Drop it.")
    odd.sql("drop table public.odd")
    third = odd.run()
    assert third.verdict == "passed"
    assert [each.kind for each in third.report.gone] == ["odd-table"]
    assert "Not any more: odd-table (odd)" in odd.heard[-1]["text"]
    assert odd.run().report.gone == ()
    assert len(odd.heard) == 2


def test_what_becomes_worse_is_told_again_and_the_run_fails(odd: Checkup):
    odd.sql("create table public.odd (id int); create table public.odd_failed (id int)")
    found = odd.run()
    assert (found.verdict, found.ok) == ("failed", False)
    assert [each.severity for each in found.report.findings] == ["failed", "attention"]


def test_a_report_is_what_its_schema_says_and_the_page_says_the_same(odd: Checkup):
    odd.sql("create table public.odd (id int)")
    found = odd.run()
    published = json.loads(schema.CHECKS_FILE.read_text("utf-8"))
    assert schema.CHECKS_FILE.read_text("utf-8") == schema.checks_text()
    jsonschema.validate(written(found), published)
    assert found.bundle
    page = (Path(found.bundle) / "checks.md").read_text("utf-8")
    assert "### attention: odd-table at odd (new)" in page
    assert "- **do**: Drop it." in page


@pytest.mark.parametrize("named", ["kind and object", "fingerprint"])
def test_an_acknowledged_finding_counts_again_when_its_day_is_over(odd: Checkup, named: str):
    odd.sql("create table public.odd (id int)")
    fingerprint = _odd("odd").fingerprint
    how = f'fingerprint = "{fingerprint}"' if named == "fingerprint" else 'kind = "odd-table"\nobject = "odd"'
    lines = (
        '[[environments.production.acknowledged]]\n{how}\nuntil = {until}\nby = "ada"\nwhy = "goes in May"\n'
    )
    today = datetime.now(UTC).date()
    odd.configure(lines.format(how=how, until=today))
    found = odd.run()
    assert (found.verdict, found.report.told) == ("passed", ())
    (known,) = found.report.findings
    assert not known.counts
    assert "1 findings are known and acknowledged" in found.summary
    odd.configure(lines.format(how=how, until=today - timedelta(days=1)))
    found = odd.run()
    assert found.verdict == "attention"
    assert found.report.findings[0].acknowledged
    assert found.report.findings[0].acknowledged.expired
    assert "The day up to which it was acknowledged is over" in odd.heard[-1]["text"]


@check("rooms")
def room(checking: Checking) -> Evidence:
    """Find how full something is."""
    (row,) = checking.ask("select said::text as name from public.room", Name, {})
    full = row.name == "full"
    return checking.found(
        [_odd("room").model_copy(update={"kind": "room", "severity": "failed" if full else "attention"})]
        if row.name
        else [],
        "There is room.",
    )


def test_what_is_acknowledged_as_attention_counts_once_it_has_failed(odd: Checkup):
    odd.checks = (room,)
    odd.sql("create table public.room (said text); insert into public.room values ('nearly')")
    today = datetime.now(UTC).date()
    lines = (
        '[[environments.production.acknowledged]]\nkind = "room"\nobject = "room"\n{more}'
        f'until = {today}\nby = "ada"\nwhy = "goes in May"\n'
    )
    odd.configure(lines.format(more=""))
    assert odd.run().verdict == "passed"
    odd.sql("update public.room set said = 'full'")
    found = odd.run()
    assert found.verdict == "failed"
    assert "It was acknowledged as attention only." in odd.heard[-1]["text"]
    assert found.bundle
    page = (Path(found.bundle) / "checks.md").read_text("utf-8")
    assert "as attention only (by ada: goes in May), so it counts again" in page
    odd.configure(lines.format(more='severity = "failed"\n'))
    assert odd.run().verdict == "passed"
    odd.configure(lines.format(more="") + lines.format(more='severity = "failed"\n'))
    assert odd.run().verdict == "passed"
    odd.configure(lines.format(more=""))
    assert odd.run().verdict == "failed"
    odd.sql("update public.room set said = ''")
    assert odd.run().verdict == "passed"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            'kind = "x"\nuntil = 2030-01-01\nby = "ada"\nwhy = "because"',
            "named by fingerprint, or by kind and object",
        ),
        ('fingerprint = "abcd"\nuntil = 2030-01-01\nby = "ada"\nwhy = "because"', "fingerprint"),
        ('kind = "x"\nobject = "y"\nby = "ada"\nwhy = "because"', "until"),
    ],
)
def test_an_acknowledgement_that_names_nothing_or_no_day_is_refused(odd: Checkup, lines: str, said: str):
    odd.configure(f"[[environments.production.acknowledged]]\n{lines}")
    with pytest.raises(errors.Refused, match=said):
        odd.run()


def test_a_check_without_the_right_has_not_looked_and_earlier_findings_are_not_gone(odd: Checkup):
    odd.sql("create table public.odd (id int); create role reader login")
    secret = odd.project.parent / "secret"
    odd.checks = (odd_rows,)
    try:
        secret.write_text(conninfo.make_conninfo(odd.admin, user="reader"), "utf-8")
        found = odd.run()
        assert found.verdict == "attention"
        (unseen,) = found.report.findings
        assert unseen.kind == "not-looked-at"
        assert "42501" in unseen.said
        assert "GRANT" in unseen.todo
        assert [each.state for each in found.report.looks] == ["well", "unseen"]
    finally:
        odd.sql("drop role reader")


def test_a_database_that_does_not_answer_is_said_once_and_nothing_found_before_is_gone(odd: Checkup):
    odd.sql("create table public.odd (id int)")
    odd.run()
    secret = odd.project.parent / "secret"
    secret.write_text("postgresql://nobody@127.0.0.1:1/postgres", "utf-8")
    found = odd.run()
    assert found.verdict == "failed"
    assert [each.kind for each in found.report.findings] == ["database-unreachable"]
    assert [each.kind for each in found.report.unknown] == ["odd-table"]
    assert found.report.gone == ()
    assert {each.about: each.state for each in found.report.looks}["odd tables"] == "unseen"
    secret.write_text(odd.admin, "utf-8")
    found = odd.run()
    assert [each.kind for each in found.report.gone] == ["database-unreachable"]
    assert [each.change for each in found.report.findings] == ["still"]


def test_a_look_can_change_nothing_and_takes_no_longer_than_it_may(odd: Checkup):
    odd.checks = (writes, sleeps)
    odd.configure('checks = { statement_timeout = "100 ms" }'.replace("100 ms", "0.1 s"))
    found = odd.run()
    said = [each.said for each in found.report.findings]
    assert any("25006" in each for each in said)
    assert any("57014" in each for each in said)
    assert odd.sql("select to_regclass('public.odd_too')") == [(None,)]


def test_the_session_itself_keeps_nothing_of_a_look(odd: Checkup):
    """Behind a pooler the session is the app's next."""
    plan = step.plan_checks(str(odd.project), "production", kind="daily-checks")
    with step.opened(plan) as checking:
        with checking.reading() as connection:
            assert connection.execute("show transaction_read_only").fetchone() == ("on",)
        shown = [
            checking.connection.execute(f"show {name}").fetchone()
            for name in ("statement_timeout", "default_transaction_read_only")
        ]
        assert shown == [("0",), ("off",)]
        ((application,),) = checking.connection.execute("show application_name").fetchall()
        assert application == checking.run


def test_a_check_that_breaks_off_is_handed_off_and_told(odd: Checkup):
    plan = step.plan_checks(str(odd.project), "production", kind="daily-checks")

    def broken() -> None:
        with step.opened(plan) as checking:
            step.reach(checking)
            raise errors.Refused("The disk of the evidence is full.")

    with pytest.raises(errors.Refused, match="full"):
        broken()
    assert "could not be taken to its end: The disk of the evidence is full." in odd.heard[-1]["text"]
    assert odd.run().verdict == "passed"
    assert "Not any more: not-checked" in odd.heard[-1]["text"]


def test_whom_nobody_could_tell_is_told_the_next_time(odd: Checkup):
    odd.sql("create table public.odd (id int)")
    manager = odd.project.parent / "manager"
    url = manager.read_text("utf-8")
    manager.write_text("http://127.0.0.1:1/", "utf-8")
    assert "was not told" in odd.run().report.told[0]
    manager.write_text(url, "utf-8")
    odd.run()
    assert len(odd.heard) == 1
    manager.write_text("http://127.0.0.1:1/", "utf-8")
    odd.sql("drop table public.odd")
    odd.run()
    manager.write_text(url, "utf-8")
    assert [each.kind for each in odd.run().report.gone] == ["odd-table"]
    assert len(odd.heard) == 2
