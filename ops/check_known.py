"""What is known of a finding: whether an earlier check has found it, and whether somebody has acknowledged it."""

from __future__ import annotations

from datetime import date

from ops.check_memory import Known
from ops.check_settings import Acknowledged
from ops.checked import Acknowledgement, Gone, Reported
from ops.checking import Checking
from ops.checks import Finding, Severity

_ORDER: dict[Severity, int] = {"failed": 0, "attention": 1, "note": 2}


def reported(checking: Checking) -> tuple[Reported, ...]:
    """Return what was found with what is known of it, the worst first and the new before the old."""
    before = {each.fingerprint: each for each in checking.memory.known}
    today = checking.now.date()
    found = [
        _reported(
            each,
            checking.found_by[key],
            before.get(key),
            _acknowledged(each, checking.plan.environment.acknowledged, today),
            checking,
        )
        for key, each in checking.findings.items()
    ]
    return tuple(sorted(found, key=lambda one: (not one.counts, _ORDER[one.severity], one.change, one.first)))


def gone(checking: Checking) -> tuple[tuple[Gone, ...], tuple[Gone, ...]]:
    """Return what an earlier check has found and is over, and what nobody knows since its check could not look."""
    missing = [each for each in checking.memory.known if each.fingerprint not in checking.findings]
    looked = {about for about, look in checking.looks.items() if look.state != "unseen"}
    over = tuple(
        _gone(each)
        for each in missing
        if each.fingerprint not in checking.unknown and (each.about in looked or _is_over(each, checking))
    )
    return over, tuple(_gone(each) for each in missing if _gone(each) not in over)


def _is_over(known: Known, checking: Checking) -> bool:
    """Whether this run, which came to its end, does not have the check that found it."""
    return known.about not in checking.looks and "the check itself" not in checking.looks


def _gone(known: Known) -> Gone:
    return Gone(fingerprint=known.fingerprint, kind=known.kind, object=known.object, first=known.first)


def _reported(
    finding: Finding,
    about: str,
    known: Known | None,
    acknowledged: Acknowledgement | None,
    checking: Checking,
) -> Reported:
    excused = acknowledged is not None and acknowledged.holds
    return Reported(
        fingerprint=finding.fingerprint,
        about=about,
        **finding.model_dump(),
        first=known.first if known else checking.now,
        change="still" if known else "new",
        counts=finding.severity != "note" and not excused,
        acknowledged=acknowledged,
    )


def _acknowledged(finding: Finding, known: tuple[Acknowledged, ...], today: date) -> Acknowledgement | None:
    """Return what was said of this finding: of several what holds, and that which lasts longest."""
    said = [_said(each, finding, today) for each in known if _is_about(each, finding)]
    return max(said, key=lambda each: (each.holds, each.until), default=None)


def _said(each: Acknowledged, finding: Finding, today: date) -> Acknowledgement:
    return Acknowledgement(
        severity=each.severity,
        until=each.until,
        by=each.by,
        why=each.why,
        expired=each.until < today,
        exceeded=_ORDER[finding.severity] < _ORDER[each.severity],
    )


def _is_about(said: Acknowledged, finding: Finding) -> bool:
    if said.fingerprint is not None:
        return said.fingerprint == finding.fingerprint
    return (said.kind, said.object) == (finding.kind, finding.object)
