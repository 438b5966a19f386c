"""The report of an evaluation as one HTML file.

Nothing is fetched, nothing runs, and every text is redacted and escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cache
from importlib import resources

import jinja2
from markupsafe import Markup

from ops import eval_report_words as words
from ops import secrets
from ops.eval_report_shape import RunReport

_SHOWN = 24
_MOST_COMPARISONS = 20


def text(report: RunReport, pictures: Mapping[str, bytes]) -> str:
    """Return the page, with the PNGs in it by their titles."""
    ordered = words.slices(report)
    known = (each for each in ordered if each.latency_ms.samples or each.cost_usd.samples)
    return _template().render(
        report=report,
        words=words,
        decisive=words.decisive(report, _MOST_COMPARISONS),
        slices=ordered,
        shown=_SHOWN,
        spreads=[each for each in known if len(each.where) < 2],
        # Letters of base64 need no escaping, and are no text that could hold a secret.
        pictures={title: Markup(address(each)) for title, each in pictures.items()},  # noqa: S704
    )


def address(picture: bytes) -> str:
    """Return a PNG as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, finalize=_redacted, trim_blocks=True
    )
    return environment.from_string(resources.files("ops").joinpath("eval_report.html").read_text("utf-8"))


def _redacted(value: object) -> object:
    """Mask secrets in a text before it is escaped; pictures are letters too, and are left as they are."""
    return secrets.redact(value) if isinstance(value, str) and not isinstance(value, Markup) else value
