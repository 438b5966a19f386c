"""What an app and its platform say of themselves: metrics in Prometheus's text format, and a health URL."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping

import httpx
from pydantic import BaseModel, ConfigDict

from ops import errors, secrets
from ops.watch_settings import Metric

_TIMEOUT = 10.0
_LINE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$")
_LABEL = re.compile(r'([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_ESCAPES = {"n": "\n"}


class Health(BaseModel):
    """How the health URL answered, and how long it took."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    ok: bool
    said: str
    seconds: float


def health(url: str) -> Health:
    """Ask the health URL once; that nobody answers is an answer."""
    began = time.monotonic()
    try:
        answer = httpx.get(url, timeout=_TIMEOUT, follow_redirects=True)
        ok, told = answer.is_success, f"{answer.status_code} {answer.reason_phrase}".strip()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        ok, told = False, f"no answer ({type(error).__name__})"
    return Health(ok=ok, said=told, seconds=time.monotonic() - began)


def read(reference: str, wanted: Mapping[str, Metric], unseen: list[str]) -> dict[str, float]:
    """Return the numbers of the wanted metrics by the names of their series' keys; what is missing is said.

    The keys are those of `numerator` and `denominator`. A number that is none (NaN, Inf) is missing.
    """
    try:
        address = reference if "://" in reference else secrets.open_secret(reference)
        answer = httpx.get(address, timeout=_TIMEOUT, follow_redirects=True).raise_for_status()
    except errors.OpsError as error:
        unseen.append(f"The metrics were not read: {error}")
        return {}
    except httpx.HTTPStatusError as error:
        unseen.append(f"The metrics were not read: their URL answered {error.response.status_code}.")
        return {}
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        unseen.append(f"The metrics were not read: their URL gave no answer ({type(error).__name__}).")
        return {}
    return choose(answer.text, wanted, unseen)


def numerator(key: str) -> str:
    """Return under which key a metric's own number is kept."""
    return key


def denominator(key: str) -> str:
    """Return under which key the number is kept by which a metric is divided."""
    return f"{key}/of"


def parse(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Yield (name, labels, value) of every line that is a sample."""
    for line in text.splitlines():
        found = _LINE.match(line.strip())
        if not found or line.lstrip().startswith("#"):
            continue
        try:
            value = float(found[3])
        except ValueError:
            continue
        labels = {name: _unescaped(said) for name, said in _LABEL.findall(found[2] or "")}
        yield found[1], labels, value


def choose(text: str, wanted: Mapping[str, Metric], unseen: list[str]) -> dict[str, float]:
    """Return the numbers of the wanted metrics from Prometheus text; what is missing is said."""
    samples = list(parse(text))
    found: dict[str, float] = {}
    for key, metric in wanted.items():
        asked = [
            (numerator(key), metric.name, metric.labels),
            (denominator(key), metric.of, metric.of_labels),
        ]
        for place, name, labels in asked:
            if name is None:
                continue
            values = [
                value for each, held, value in samples if each == name and labels.items() <= held.items()
            ]
            if values and math.isfinite(sum(values)):
                found[place] = sum(values)
            else:
                unseen.append(f"The metrics have no number for {key} ({name}).")
    return found


def _unescaped(said: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), said)
