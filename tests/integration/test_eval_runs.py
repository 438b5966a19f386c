"""Past runs are found again: the newest version of each window, and on which records two of them agree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from ops import database, errors, eval_ingest, eval_runs, eval_watermark
from ops.eval_night import Night
from ops.eval_settings import Eval
from ops.evals import Window
from tests import fix_app
from tests.fix_eval_tables import WINDOW, sample

Nights = Callable[..., Night]
SAMPLES = [sample(number) for number in range(1, 11)]
COUNTS = "select (select count(*) from public.ai_eval_runs), (select count(*) from public.ai_eval_samples)"


def day(number: int) -> Window:
    start = datetime(2026, 2, number, tzinfo=UTC)
    return Window(start=start, end=start + timedelta(days=1), watermark=False)


def test_the_newest_version_of_each_window_before_a_moment(nights: Nights):
    one = nights(SAMPLES, window=day(1))
    made = [eval_ingest.ingest(nights(SAMPLES, window=day(number))).run_id for number in (3, 1, 2, 4)]
    again = eval_ingest.ingest(nights(SAMPLES, window=day(1), content="another"))
    assert (again.version, eval_ingest.ingest(one).version) == (2, 1)

    def past(before: datetime, limit: int = 14, **changed: str) -> list[int]:
        kind = {"run_type": "canary", "schema_variant": "sitecraft"} | changed
        found = eval_runs.past(one.connection, Eval(), before=before, limit=limit, **kind)
        assert all(run.tallies[0].samples == 10 and run.window_end.tzinfo is UTC for run in found)
        return [run.run_id for run in found]

    assert past(day(5).start + timedelta(microseconds=1)) == [made[3], made[0], made[2], again.run_id]
    assert past(day(5).start) == [made[0], made[2], again.run_id]
    assert past(day(5).start, limit=1) == [made[0]]
    assert past(day(5).start, run_type="nightly") == past(day(5).start, schema_variant="x") == []


def test_a_run_that_is_not_there_is_refused(nights: Nights, storefront: str):
    one = nights(SAMPLES)
    with pytest.raises(errors.Refused, match="has no run 77 with tallies"):
        eval_runs.find(one.connection, Eval(), 77)
    with pytest.raises(errors.Refused, match="has no run 77 any more"):
        eval_runs.verdict(one.connection, Eval(), 77, "pass")
    fix_app.execute(
        storefront,
        "insert into public.ai_eval_runs (id, run_type, schema_variant, triggered_by)"
        " overriding system value values (77, 'canary', 'sitecraft', 'by hand')",
    )
    with pytest.raises(errors.Refused, match="has no run 77 with tallies"):
        eval_runs.find(one.connection, Eval(), 77)
    for odd in ('{"samples": 1}', "[1]", '[{"samples": "many"}]', "7"):
        fix_app.execute(storefront, f"update public.ai_eval_runs set tallies = '{odd}', window_end = now()")
        with pytest.raises(errors.Refused, match="Run 77 has other tallies than this tool writes"):
            eval_runs.find(one.connection, Eval(), 77)


def test_records_that_two_runs_have_are_matched(nights: Nights):
    safe = {
        1: (True, True),
        2: (True, False),
        3: (True, False),
        4: (False, True),
        5: (False, False),
        6: (None, True),
    }
    publish = {1: (1.0, 1.0), 2: (1.0, 0.5), 3: (0.5, 0.0), 4: (0.0, 1.0), 5: (None, 1.0), 6: (1.0, None)}
    runs: list[int] = []
    for side in (0, 1):
        values = [
            sample(
                n,
                safe=safe[n][side],
                publish_proxy=publish[n][side],
                provider="even" if n % 2 == 0 else "odd",
            )
            for n in safe
        ]
        one = nights([*values, sample(20 + side)], content=str(side))
        runs.append(eval_ingest.ingest(one).run_id or 0)
    first, second = runs

    def matched(measure: str, **where: object) -> tuple[int, ...]:
        found = eval_runs.matched(one.connection, Eval(), first, second, measure, **where)
        return (found.both, found.first, found.second, found.neither)

    assert matched("safe") == (1, 2, 1, 1)
    assert matched("publish_proxy") == (1, 1, 1, 1)
    assert matched("safe", where=(("provider", "even"),)) == (0, 1, 1, 0)
    assert matched("safe", where=(("provider", "even' or true"),)) == (0, 0, 0, 0)
    assert matched("a measure of one's own") == (0, 0, 0, 0)


def test_the_watermark_moves_with_the_run_or_not_at_all(
    nights: Nights, storefront: str, monkeypatch: pytest.MonkeyPatch
):
    fix_app.execute(storefront, "create table public.mark (run text)")

    def advance(connection: database.Connection, night: Night) -> None:
        if connection.execute("select run from public.mark").fetchone():
            raise errors.Refused("Another run has moved it.")
        connection.execute("insert into public.mark values ('moved')")

    monkeypatch.setattr(eval_watermark, "advance", advance)
    onward = WINDOW.model_copy(update={"watermark": True})

    def marks() -> list[tuple[int, int, int]]:
        return fix_app.ask(storefront, f"select *, (select count(*) from public.mark) from ({COUNTS}) as c")

    with pytest.raises(errors.CheckFailed):
        eval_ingest.ingest(nights([*SAMPLES, sample(31, latency_ms=-1)], window=onward))
    assert marks() == [(0, 0, 0)]
    assert eval_ingest.ingest(nights(SAMPLES, window=onward)).changed
    assert marks() == [(1, 10, 1)]
    assert not eval_ingest.ingest(nights(SAMPLES, window=onward)).changed
    with pytest.raises(errors.Refused, match="Another run has moved it"):
        eval_ingest.ingest(nights(SAMPLES, window=onward, content="of another run"))
    assert marks() == [(1, 10, 1)]

    fix_app.execute(storefront, "delete from public.mark")
    assert not eval_ingest.ingest(nights(SAMPLES, window=onward)).changed
    assert marks() == [(1, 10, 1)], "the run was ingested by hand: only the watermark is moved"
