"""The pictures of an evaluation: drawn whatever there is, and whatever somebody calls a provider."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import eval_plot_style, eval_plots, eval_report_facts
from ops.evals import Spread, Tally
from tests.evaluations import compared, judged, night, past, tally

PNG = b"\x89PNG\r\n\x1a\n"


def drawn(root: Path, *tallies: Tally, trend: int = 0) -> dict[str, bytes]:
    before = tuple(past(number) for number in range(trend, 0, -1))
    made = night(root, *tallies, found=judged(compared((), "pass"), trend=before))
    return eval_plots.draw(eval_report_facts.of(made), tallies)


@pytest.mark.parametrize("trend", [0, 90])
def test_the_trend_has_room_for_any_number_of_runs(tmp_path: Path, trend: int):
    pictures = drawn(tmp_path, tally(), trend=trend)
    assert list(pictures) == [eval_plots.TREND, eval_plots.SLICES, eval_plots.SPREAD]
    assert all(each.startswith(PNG) for each in pictures.values())


def test_any_name_is_drawn(tmp_path: Path):
    names = ("$\\frac{$", "x" * 500, "日本 provider", "a\nb\x00\u202ec", "_hidden", "{}%s", "")
    slices = [tally((("provider", name),), 100 - n) for n, name in enumerate(names)]
    assert len(drawn(tmp_path, tally(), *slices)) == 3


def test_what_has_no_number_is_left_out(tmp_path: Path):
    none = Spread(counts={})
    assert drawn(tmp_path, Tally()) == {}
    assert drawn(tmp_path) == {}
    assert (
        list(drawn(tmp_path, tally().model_copy(update={"latency": none, "cost": none})))
        == list(eval_plots.FILES)[:2]
    )


def test_a_single_or_free_record_is_drawn(tmp_path: Path):
    one = tally(samples=1).model_copy(
        update={"cost": Spread(counts={0: 1}), "latency": Spread(counts={5: 1})}
    )
    assert eval_plots.SPREAD in drawn(tmp_path, one)


def test_the_failed_slice_is_drawn_however_many_there_are(tmp_path: Path):
    slices = [tally((("provider", f"p{n}"),), 1000) for n in range(60)]
    small = (("provider", "small"),)
    made = night(tmp_path, tally(), *slices, tally(small, 50), found=judged(compared(small, "fail")))
    names = [each.name for each in eval_plots.drawn_slices(eval_report_facts.of(made))]
    assert names[:2] == ["all records", "provider small"]
    assert len(names) == 24


def test_a_long_name_keeps_its_beginning_and_its_end():
    shown = eval_plot_style.shown("provider anthropic, template version 12", 24)
    assert shown == "provider an…e version 12"
    assert len(eval_plot_style.shown("x" * 99, 24)) == 24
