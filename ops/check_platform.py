"""What lies outside the database: the platform's status page, and the app's own word on its health.

Source: supabase-operations.md, "Daily"; database-pipeline.md, "Monitor production health". The status page is
a public summary in the shape of statuspage.io; whatever it says is text of others.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from ops import errors, spoken
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding, Severity
from ops.evidence import Evidence

_LONGEST = 200
_SOON = timedelta(days=1)
_OVER = ("resolved", "postmortem", "completed")
_GRAVE: dict[str, Severity] = {"critical": "failed", "none": "note", "maintenance": "note"}


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class _Incident(_Said):
    id: str = ""
    name: str
    status: str = ""
    impact: str = ""
    shortlink: str = ""
    started_at: datetime | None = None
    scheduled_for: datetime | None = None


class _Component(_Said):
    name: str
    status: str
    group: bool = False


class _Overall(_Said):
    indicator: str
    description: str = ""


class _Summary(_Said):
    status: _Overall
    components: tuple[_Component, ...] = ()
    incidents: tuple[_Incident, ...] = ()
    scheduled_maintenances: tuple[_Incident, ...] = ()


@check("the platform's status page")
def check_status_page(checking: Checking) -> Evidence:
    """Read the platform's public status page: incidents that are not over, components that do not work."""
    url = checking.settings.status_url
    if not url:
        return checking.idle("No status page is configured.")
    try:
        summary = _Summary.model_validate(_fetched(url, checking.settings.connect_timeout))
    except ValidationError as error:
        raise errors.Unavailable(
            f"The status page answers with something else than its summary ({error.error_count()} mistakes)."
        ) from None
    return checking.found(
        [*_incidents(summary), *_components(summary), *_maintenances(summary, checking.now)],
        f"The status page says: {summary.status.description[:_LONGEST] or summary.status.indicator}.",
        rows=[{"component": each.name[:_LONGEST], "status": each.status} for each in summary.components],
    )


@check("the app's health")
def check_health(checking: Checking) -> Evidence:
    """Ask the app's health URL, and how long it takes to answer."""
    where, wanted = checking.plan.environment, checking.settings
    if where.health_url is None:
        return checking.idle(f"{where.name} has no health_url.")
    ok, said, took = _answer(where.health_url, wanted.connect_timeout)
    findings: list[Finding] = []
    if not ok:
        findings.append(_unhealthy(said))
    elif took > wanted.health_latency:
        findings.append(_slow(took, wanted.health_latency))
    return checking.found(findings, f"The app answers {said} after {spoken.span(took)}.")


def _fetched(url: str, timeout: timedelta) -> Any:
    try:
        answer = httpx.get(url, timeout=timeout.total_seconds(), follow_redirects=True)
        return answer.raise_for_status().json()
    except httpx.HTTPStatusError as error:
        why = f"answers {error.response.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        why = f"was not reached ({type(error).__name__})"
    except ValueError:
        why = "answers with no JSON"
    raise errors.Unavailable(f"The status page {why}, so what the platform says is not known.")


def _answer(url: str, timeout: timedelta) -> tuple[bool, str, timedelta]:
    try:
        answer = httpx.get(url, timeout=timeout.total_seconds())
        return answer.is_success, str(answer.status_code), answer.elapsed
    except httpx.TimeoutException:
        return False, f"nothing within {spoken.span(timeout)}", timeout
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return False, f"nothing ({type(error).__name__})", timedelta(0)


def _unhealthy(said: str) -> Finding:
    return Finding(
        kind="app-unhealthy",
        object="the app",
        severity="failed",
        said=f"The app's health URL answers {said}.",
        why="Users may be seeing the same.",
        todo="Look at the app's log and last deployment; take it back if it came with one (runbook app-rollback).",
    )


def _slow(took: timedelta, most: timedelta) -> Finding:
    return Finding(
        kind="app-slow",
        object="the app",
        severity="attention",
        said=f"The app's health URL took {spoken.span(took)} to answer, and may take {spoken.span(most)}.",
        why="What answers slowly to nothing answers slower to users.",
        todo="Look at the database's connections and blocked queries in this report, and at the app's own load.",
    )


def _incidents(summary: _Summary) -> Iterator[Finding]:
    for each in summary.incidents:
        if each.status in _OVER:
            continue
        link = f" ({each.shortlink})" if each.shortlink.startswith("https://") else ""
        yield Finding(
            kind="platform-incident",
            object=(each.id or each.name)[:_LONGEST],
            severity=_GRAVE.get(each.impact, "attention"),
            said=f"The platform has an incident: {each.name[:_LONGEST]}; {each.status}, impact "
            f"{each.impact or 'unknown'}{link}.",
            why="What fails or is slow here may come from there, and may not be mended from here.",
            todo="Tell the stakeholders, follow the page, and put nothing into production until it is over.",
            since=each.started_at,
        )


def _components(summary: _Summary) -> Iterator[Finding]:
    for each in summary.components:
        if each.group or each.status in ("operational", "under_maintenance"):
            continue
        yield Finding(
            kind="platform-component",
            object=each.name[:_LONGEST],
            severity="attention",
            said=f"The platform says of {each.name[:_LONGEST]}: {each.status.replace('_', ' ')[:_LONGEST]}.",
            why="What of the app needs it may fail.",
            todo="Look whether the app needs it, and follow the page.",
        )


def _maintenances(summary: _Summary, now: datetime) -> Iterator[Finding]:
    for each in summary.scheduled_maintenances:
        begins = each.scheduled_for
        if each.status in _OVER or begins is None or begins.tzinfo is None or begins - now > _SOON:
            continue
        yield Finding(
            kind="platform-maintenance",
            object=(each.id or each.name)[:_LONGEST],
            severity="note",
            said=f"The platform will be maintained from {spoken.moment(begins)}: {each.name[:_LONGEST]}.",
            why="A change or a restore that runs meanwhile may be cut off.",
            todo="Put nothing into production meanwhile.",
            since=begins,
        )
