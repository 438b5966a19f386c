"""What the pictures of an evaluation have in common: colours, texts that the font has, and how they become PNG."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

from ops import secrets

INK, LIMIT, FLOOR = "#334155", "#94a3b8", "#b91c1c"
COLOURS = {"pass": "#0f766e", "fail": "#b91c1c", "inconclusive": "#b45309", "not-judged": INK}
MARKS = {"pass": "o", "fail": "X", "inconclusive": "s", "not-judged": "o"}
# Told apart by those who see no red or no green too.
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")
_UNKNOWN = "\u25a1"


def picture(drawing: Callable[[Any], Any], *, title: str) -> bytes:
    """Return as PNG what `drawing` makes with pyplot; nothing in a text is taken for a formula."""
    import matplotlib

    mpl: Any = matplotlib
    mpl.use("Agg")
    from matplotlib import pyplot

    with mpl.rc_context({"text.parse_math": False, "font.family": "DejaVu Sans", "font.size": 9}):
        figure = drawing(pyplot)
        try:
            figure.suptitle(shown(title, 90), color=INK, fontsize=11)
            buffer = io.BytesIO()
            with warnings.catch_warnings():
                # What does not fit is drawn as well as it can be; a night does not fail by that.
                warnings.simplefilter("ignore")
                figure.savefig(buffer, format="png", metadata={"Software": None})
            return buffer.getvalue()
        finally:
            pyplot.close(figure)


def shown(text: str, most: int) -> str:
    """Return text on one line, in letters that the font has, its middle left out where it is too long."""
    flat = "".join(each if _drawable(each) else _UNKNOWN for each in " ".join(secrets.redact(text).split()))
    if len(flat) <= most:
        return flat
    head = (most - 1) // 2
    return f"{flat[:head]}…{flat[head + 1 - most :]}"


def plain(axis: Any) -> None:
    """Take off the axis what says nothing."""
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8, colors=INK)


@cache
def _drawable(letter: str) -> bool:
    return letter.isprintable() and _font().get_char_index(ord(letter)) != 0


@cache
def _font() -> Any:
    from matplotlib import font_manager

    manager: Any = font_manager
    return manager.get_font(manager.findfont("DejaVu Sans"))
