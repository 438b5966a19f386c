"""Exports by REST, through the real client and a real PostgREST, and by COPY: what is read, and read once."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from ops import errors, eval_export, eval_watermark
from ops.eval_night import EvalChoices
from tests import fix_postgrest
from tests.fix_eval_export import DAY, T0, Site, keys, lines

ON = EvalChoices()
both = pytest.mark.parametrize("kind", ["rest", "copy"])


@pytest.fixture
def site(export_site: Site) -> Site:
    return export_site


def recent(ago: timedelta) -> datetime:
    return datetime.now(UTC) - ago


@both
def test_a_window_is_exported_whole_and_in_order(site: Site, kind: str):
    site.kind = kind
    site.add(250)
    site.add(3, start=T0 - timedelta(days=3))
    site.add(3, start=T0 + timedelta(days=1))
    found = site.export()
    assert keys(found) == [key for key, at in site.rows() if T0 <= at < T0 + timedelta(days=1)]
    assert (found.records, found.left, found.repeated, found.late) == (250, 0, 0, 0)
    assert found.source == kind
    assert not found.window.watermark
    assert lines(found)[0]["output"] == {"title": "Lot 1", "body": "A clean cup"}
    assert (found.path.parent / "export.json").is_file()


def test_rest_and_copy_export_the_same_records(site: Site):
    site.add(205, body='"quoted" \\ back\nslash é 🎉 \t')
    site.execute("update public.ai_training_examples set prompt = e'\\x01\\x02 , \\n {' where id % 7 = 0")
    by_copy = lines(site.export())
    site.kind = "rest"
    site.root = site.root.with_name("again")
    assert lines(site.export()) == by_copy


@both
def test_many_records_of_one_moment_are_read_over_pages(site: Site, kind: str):
    site.kind = kind
    site.add(310, every=timedelta(0))
    assert keys(site.export()) == [key for key, _ in site.rows()]


@both
def test_a_server_that_gives_less_than_it_is_asked_for_is_read_to_the_end(site: Site, kind: str):
    site.kind, site.page = kind, 7
    site.add(20)
    assert len(keys(site.export())) == 20


@both
def test_the_next_night_goes_on_where_the_last_one_was_ingested(site: Site, kind: str):
    site.kind = kind
    site.add(30, start=recent(timedelta(minutes=90)), every=timedelta(minutes=1))
    first = site.export(ON, ingest=True)
    assert first.records == 30
    assert first.before is None
    site.add(5, start=recent(timedelta(minutes=50)))
    site.add(4, start=recent(timedelta(minutes=75)), every=timedelta(seconds=1))
    second = site.export(ON, "night-2", ingest=True)
    assert second.before == first.after
    assert (second.records, second.late) == (9, 4)
    assert second.repeated == 30
    assert set(keys(second)).isdisjoint(keys(first)) or first.path == second.path
    third = site.export(ON, "night-3", ingest=True)
    assert third.records == 0
    assert third.after == second.after


@both
def test_what_was_not_ingested_is_used_again_and_what_was_is_not(site: Site, kind: str):
    site.kind = kind
    site.add(10, start=recent(timedelta(hours=2)))
    first = site.export(ON)
    site.add(3, start=recent(timedelta(hours=1)))
    again = site.export(ON, "night-2", ingest=True)
    assert again.content_digest == first.content_digest
    assert "are whole from an earlier attempt" in again.summary
    assert site.export(ON, "night-3").records == 3


@pytest.mark.parametrize(("choices", "later"), [(ON, 10), (EvalChoices(days=1), 13)])
def test_a_run_that_nobody_has_judged_is_gone_on_with_unless_it_asked_for_the_last_days(
    site: Site, choices: EvalChoices, later: int
):
    site.add(10, start=recent(timedelta(hours=2)))
    first = site.export(choices, ingest=True)
    site.execute(
        "insert into public.ai_eval_runs (run_type, schema_variant, triggered_by, window_start, window_end, "
        "content_digest) values ('nightly', 'sitecraft', 'schedule', %s, %s, %s)",
        *(first.window.start, first.window.end, first.content_digest),
    )
    site.add(3, start=recent(timedelta(hours=1)))
    assert site.export(choices, "night-2").records == later
    site.execute("update public.ai_eval_runs set verdict = 'fail'")
    assert site.export(choices, "night-3").records == (3 if choices is ON else 13)


def test_a_damaged_export_is_made_again_with_the_same_window(site: Site):
    site.add(10, start=recent(timedelta(hours=2)))
    first = site.export(ON)
    content = first.path.read_bytes()
    first.path.write_bytes(content.replace(b"Lot 3", b"Lot 4"))
    again = site.export(ON, "night-2")
    assert again.path.read_bytes() == content


@both
def test_the_limit_is_said_with_what_is_left_and_the_next_night_goes_on(site: Site, kind: str):
    site.kind = kind
    site.add(250, start=recent(timedelta(hours=20)), every=timedelta(minutes=4))
    limited = EvalChoices(limit=120)
    first = site.export(limited, ingest=True)
    assert (first.records, first.left) == (120, 130)
    assert "THE LIMIT of 120 records IS REACHED: 130 of the window are left" in first.summary
    read = keys(first)
    second = site.export(limited, "night-2", ingest=True)
    read += keys(second)
    assert (second.records, second.left) == (120, 10)
    read += keys(site.export(limited, "night-3", ingest=True))
    assert read == [key for key, _ in site.rows()]


def test_two_that_were_exported_at_once_are_ingested_once(site: Site):
    site.add(10, start=recent(timedelta(hours=2)))
    with site.night(ON, "night-1") as first:
        eval_export.export(first)
        site.add(1, start=recent(timedelta(hours=1)))
        site.root = site.root.with_name("elsewhere")
        with site.night(ON, "night-2") as second:
            eval_export.export(second)
            eval_watermark.advance(second.connection, second)
            with pytest.raises(errors.Refused, match="has moved the watermark since"):
                eval_watermark.advance(first.connection, first)
            eval_watermark.advance(second.connection, second)


def test_the_second_of_two_in_one_folder_is_refused_by_name(site: Site):
    site.add(10)
    with site.night(DAY, "night-1") as night:
        eval_export.export(night)
        with pytest.raises(errors.Refused, match="night-1 exports into nightly-sitecraft already"):
            site.export(DAY, "night-2")
    assert site.export(DAY, "night-2").records == 10


@both
def test_a_record_whose_time_is_changed_meanwhile_is_kept_once(
    site: Site, kind: str, monkeypatch: pytest.MonkeyPatch
):
    site.kind, site.page = kind, 50
    site.add(200)
    first = site.rows()[0][0]
    told = itertools.count()

    def moved(_done: int, _whole: int, _what: str) -> None:
        if next(told) == 0:
            site.execute(
                "update public.ai_training_examples set created_at = %s where id = %s",
                T0 + timedelta(hours=2),
                first,
            )

    with site.night() as night:
        night.progress = moved
        found = eval_export.export(night)
    assert sorted(keys(found)) == sorted(key for key, _ in site.rows())
    # A copy sees one moment.
    assert found.repeated == (1 if kind == "rest" else 0)


@both
def test_what_is_secret_is_redacted_before_it_is_written(site: Site, kind: str):
    site.kind = kind
    site.add(3, body="write to jo@example.com, card 4111 1111 1111 1111")
    site.add(1, start=T0 + timedelta(hours=1), body=f"the key is {site.rest.key} and {site.dsn}")
    found = site.export()
    content = found.path.read_text()
    assert "example.com" not in content
    assert site.rest.key not in content
    assert site.dsn not in content
    assert lines(found)[0]["_redacted"] == ["card", "email"]
    assert "Redacted: card in 3, email in 3" in found.summary


@pytest.mark.parametrize("key", ["anon", "authenticated", "publishable"])
def test_a_key_that_reads_nothing_is_refused(site: Site, key: str):
    site.kind = "rest"
    site.key = "sb_publishable_abcdefghijklmnop" if key == "publishable" else fix_postgrest.token(key)
    with pytest.raises(errors.Refused, match="reads nothing where the service role would") as caught:
        site.export()
    assert site.key not in str(caught.value)


def test_a_key_that_the_api_does_not_take_is_refused_and_not_shown(site: Site):
    site.kind = "rest"
    site.key = f"{fix_postgrest.token('service_role')[:-6]}AAAAAA"
    with pytest.raises(errors.Refused, match="says 401") as caught:
        site.export()
    assert site.key not in str(caught.value)


@both
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('table = "public.nothing"', "public.nothing"),
        ('table = "public.x; drop table y"', "names no table"),
        ('fields = { created = "made_at" }', "made_at"),
        ('fields = { key = "meta.id" }', "by the name of a column"),
        ('where = { "a b" = "c" }', "by the name of a column"),
    ],
)
def test_what_is_not_there_is_refused_by_name(site: Site, kind: str, settings: str, said: str):
    site.kind, site.settings = kind, settings
    with pytest.raises(errors.Refused) as caught:
        site.export()
    assert said in str(caught.value)


@both
def test_only_what_the_configuration_wants_is_exported(site: Site, kind: str):
    site.kind, site.settings = kind, 'where = { selected_provider = "anthropic" }'
    site.add(10)
    site.execute(
        "update public.ai_training_examples set selected_provider = 'anthropic' where prompt like '%% 3'"
    )
    assert [line["selected_provider"] for line in lines(site.export())] == ["anthropic"]


def test_a_login_from_which_policies_hide_rows_is_refused(site: Site):
    site.add(3)
    site.execute("drop role if exists eval_reader; create role eval_reader login")
    site.execute("grant select on public.ai_training_examples to eval_reader")
    site.execute(
        "create schema if not exists runbooks; grant create, usage on schema runbooks to eval_reader"
    )
    site.dsn = psycopg.conninfo.make_conninfo(site.dsn, user="eval_reader")
    try:
        with pytest.raises(errors.Refused, match="eval_reader does not read all of"):
            site.export()
    finally:
        site.execute("drop owned by eval_reader; drop role eval_reader")


@both
def test_records_in_the_future_wait_and_are_said(site: Site, kind: str):
    site.kind = kind
    site.add(4, start=recent(timedelta(hours=1)))
    site.add(2, start=datetime.now(UTC) + timedelta(days=3))
    found = site.export(ON, ingest=True)
    assert found.records == 4
    assert "2 records lie in the future" in found.summary
    assert found.after
    assert found.after.created < datetime.now(UTC)


def test_a_clock_or_zone_that_is_changed_changes_no_window(site: Site, monkeypatch: pytest.MonkeyPatch):
    site.add(6, start=recent(timedelta(hours=1)))
    first = site.export(ON, ingest=True)
    site.execute("alter role postgres set timezone = 'Asia/Kolkata'")
    site.execute("alter role postgres set datestyle = 'German'")
    monkeypatch.setenv("TZ", "America/New_York")
    monkeypatch.setenv("PGTZ", "Asia/Tokyo")
    try:
        site.add(5, start=recent(timedelta(minutes=10)), every=timedelta(seconds=1))
        second = site.export(ON, "night-2", ingest=True)
    finally:
        site.execute("alter role postgres reset all")
    assert (second.records, second.repeated) == (5, 6)
    assert second.window.start == first.after.created - timedelta(hours=1) if first.after else False
    assert second.window.end.tzinfo == UTC


def test_a_watermark_ahead_of_the_clock_is_said_and_no_window_ends_before_it(site: Site):
    site.add(6, start=recent(timedelta(hours=1)))
    site.export(ON, ingest=True)
    site.execute("update runbooks.eval_watermarks set created = created + interval '3 days'")
    found = site.export(ON, "night-2")
    assert "THE WATERMARK LIES AHEAD" in found.summary
    assert found.before
    assert found.window.end >= found.before.created


@both
def test_seconds_since_1970_are_times_as_well(site: Site, kind: str):
    site.execute(
        "create table if not exists public.calls (id text primary key, at bigint not null, output text);"
        "truncate public.calls;"
        "insert into public.calls select 'a\"b,' || n, extract(epoch from timestamptz '2026-02-15Z') + n % 40, 'x'"
        " from generate_series(1, 150) n; grant all on public.calls to service_role, postgres;"
        "notify pgrst, 'reload schema'"
    )
    site.kind, site.settings = (
        kind,
        'table = "public.calls"\nfields = { created = "at" }\noverlap = "PT10S"',
    )
    site.page = 17
    assert len(set(keys(site.export()))) == 150
