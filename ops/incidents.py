"""Whether there is an active incident in an environment: by a query, by a status page, or by an operator's word.

Source: database-pipeline.md, "How to Promote to Production", 1.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ops import database, errors, expected, read_only, secrets, triage
from ops.evidence import Evidence
from ops.project import Environment

WORD = "no active incident"
TIMEOUT = timedelta(seconds=15)
_SHOWN = 3
_LONGEST = 200


def check(where: Environment, connection: database.Connection | None, *, word: str = "") -> Evidence:
    """Say whether there is no active incident; what cannot be asked is never taken for none.

    What is configured is asked, all of it, and an operator's word (`no active incident`, exactly) counts only where
    nothing is. It is asked anew at each pass.

    Raises:
        Unavailable: the connection is lost.
    """
    promotion = where.promotion
    asked: list[tuple[str, str]] = []
    if promotion.incident_query:
        asked.append(("incident_query", _by_query(promotion.incident_query, connection)))
    if promotion.incident_url:
        asked.append(("incident_url", _by_url(promotion.incident_url)))
    if not asked:
        asked.append(("an operator's word", _by_word(where.name, word)))
    rows: tuple[dict[str, Any], ...] = tuple({"asked": source, "problem": found} for source, found in asked)
    wrong = [found for _, found in asked if found]
    if wrong:
        return Evidence(ok=False, summary=f"{' '.join(wrong)} So nothing is promoted.", rows=rows)
    by = " and ".join(source for source, _ in asked)
    return Evidence(ok=True, summary=f"There is no active incident in {where.name}, by {by}.", rows=rows)


def _by_query(query: str, connection: database.Connection | None) -> str:
    if connection is None:
        return "There is no connection to ask incident_query on. Name the environment's database."
    try:
        text = read_only.single(query, what="incident_query")
        with read_only.looking(connection, timeout=TIMEOUT):
            answer = read_only.ask(connection, text)
    except (errors.CheckFailed, errors.Refused) as error:
        return f"It is not known whether there is an incident: incident_query failed, {error}. Mend it."
    if not answer.rows:
        return ""
    lines = ("; ".join(map(expected.shown, row)) for row in answer.rows[:_SHOWN])
    shown = secrets.redact(" | ".join(lines))[:_LONGEST]
    many = "is" if len(answer.rows) == 1 else "are"
    return f"There {many} {triage.counted(len(answer.rows), 'active incident')}: {shown}. End it first."


def _by_url(url: str) -> str:
    # Not before it is asked: an HTTP client takes long to import.
    import httpx

    place = secrets.redact(url)
    try:
        # A status page that leads to a login answers 2xx there, so no redirect is followed.
        with httpx.stream("GET", url, timeout=TIMEOUT.total_seconds(), follow_redirects=False) as answer:
            code, well = answer.status_code, answer.is_success
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        return (
            f"It is not known whether there is an incident: {place} was not reached ({type(error).__name__}). Look at "
            "it yourself, and mend incident_url if it is wrong."
        )
    if well:
        return ""
    if 300 <= code < 400:
        return (
            f"It is not known whether there is an incident: {place} leads elsewhere ({code}). Name its end."
        )
    return f"{place} answers {code}, so there may be an active incident. Look at it, and end it first."


def _by_word(name: str, word: str) -> str:
    if word == WORD:
        return ""
    if word:
        return f"The operator's word is {secrets.redact(word)[:_LONGEST]!r} and not {WORD!r}."
    return (
        f"Nothing says whether there is an active incident in {name}: configure incident_query or incident_url of its "
        f"promotion, or look yourself and say {WORD!r} at the start."
    )
