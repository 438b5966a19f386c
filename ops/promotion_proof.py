"""What proves a promotion: release gates, the schema's change against the rehearsed one, the app, a watch.

Source: database-pipeline.md, "Post-Deployment Verification"; phase2-rollout-and-eval.md, sections 0.3, 1.4 and 2.4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ops import (
    comparison,
    database,
    promotion_overlays,
    promotions,
    release_gates,
    schema_guard,
    startup,
    watch,
)
from ops.evidence import Evidence
from ops.promoting import Promoting
from ops.schema import Delta, Key
from ops.verdict import Difference

_SKIPPED = "Not looked at: nothing was promoted."
_WORD = re.compile(r"\w+|[^\w\s]")
_SHOWN = 5


def ask_gates(promoting: Promoting) -> Evidence:
    """Ask the release gates, and see that the overlay of this environment is in place and no other."""
    if _has_nothing_to_prove(promoting):
        return Evidence(ok=True, summary=_SKIPPED, idle=True)
    plan = promoting.plan
    found = release_gates.ask(
        promoting.connection,
        plan.project.release.gates,
        environment=plan.environment.name,
        root=plan.project.root,
    )
    strange = promotion_overlays.strange(promoting)
    promoting.findings += [
        f"The overlay {file} is in place, and neither the journal nor a plan nor a file says whose it is."
        for file in strange.unknown
    ]
    if strange.others:
        said = f"{found.summary} Overlays of other environments are in place: {', '.join(strange.others)}."
        found = Evidence(ok=False, summary=said, rows=found.rows)
    promoting.gates = found
    return promoting.note("release gates", found)


def compare_change(promoting: Promoting) -> Evidence:
    """Compare what the promotion has changed in the schema with what the rehearsal had changed; prior drift apart."""
    if _has_nothing_to_prove(promoting):
        return Evidence(ok=True, summary=_SKIPPED, idle=True)
    begun = promoting.begun
    if begun is None:
        raise ValueError("a plan is begun before it is proven")
    wanted: Delta = {}
    touched: Delta = {}
    for delta in (begun.expected.get(each.file, {}) for each in begun.plan.files):
        wanted = comparison.compose(wanted, delta)
        # What a file changes and a later one puts back is touched all the same.
        touched = {**{key: (start, start) for key, (start, _) in delta.items()}, **touched}
    wrong, drift, others = differing(begun.before, promoting.look(), {**touched, **wanted})
    promoting.differences, promoting.drift = comparison.differences(wrong), comparison.differences(drift)
    rows = [
        {
            "state": "changed by others meanwhile" if (each.kind, each.object) in others else "differs",
            **each.model_dump(),
        }
        for each in promoting.differences
    ]
    rows += [{"state": "drift from before", **each.model_dump()} for each in promoting.drift]
    apart = (
        f" {len(promoting.drift)} objects had drifted before, and are listed apart."
        if promoting.drift
        else ""
    )
    theirs = [
        f"{each.kind} {each.object}" for each in promoting.differences if (each.kind, each.object) in others
    ]
    said = (
        f"{len(promoting.differences)} objects are not as rehearsed, the first is {_named(promoting.differences)}."
        + (f" Changed by others meanwhile: {_few(theirs)}." if theirs else "")
        if promoting.differences
        else f"The schema has changed in {len(wanted)} objects, exactly as it was rehearsed."
    )
    return promoting.note(
        "schema change",
        Evidence(ok=not promoting.differences, summary=said + apart, rows=tuple(rows)),
    )


def differing(
    before: Mapping[Key, str], now: Mapping[Key, str], touched: Delta
) -> tuple[Delta, Delta, frozenset[Key]]:
    """Return what is not as it was rehearsed, what of it had drifted before, and what others have changed meanwhile.

    The first two are from wanted to found. An object that was not what the rehearsal began on, before the first file
    ran, is drift, as long as it has nothing by now that it had not before and no rehearsed file gives it. One that no
    rehearsed file touches and that has changed all the same, drifted or not, is other hands' work, and wrong.
    """
    wrong: dict[Key, tuple[str | None, str | None]] = {}
    drift: dict[Key, tuple[str | None, str | None]] = {}
    others: set[Key] = set()
    for key, (start, end) in touched.items():
        was, found = before.get(key), now.get(key)
        if found == end:
            continue
        if was == start:
            wrong[key] = (end, found)
        elif _is_explained(was, found, end):
            drift[key] = (end, found)
        else:
            wrong[key] = (end, found)
            others.add(key)
    for key in now.keys() | before.keys():
        if key not in touched and now.get(key) != before.get(key):
            wrong[key] = (before.get(key), now.get(key))
            others.add(key)
    return wrong, drift, frozenset(others)


def _is_explained(was: str | None, found: str | None, end: str | None) -> bool:
    """Whether a drifted object is as it was, or has been given only what the rehearsed files give it.

    What it has lost can not be told: where the rehearsal began, a file may have had nothing to take away.
    """
    if found == was:
        return True
    if found is None or end is None:
        return False
    return _words(found) - _words(was or "") <= _words(end)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text))


def _few(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" and more" if len(names) > _SHOWN else "")


def check_startup(promoting: Promoting) -> Evidence:
    """See that the app answers, and that it has started where something says so."""
    if _has_nothing_to_prove(promoting):
        return Evidence(ok=True, summary=_SKIPPED, idle=True)
    since = promoting.begun.began_at if promoting.begun else promoting.started
    found = startup.check(promoting.connection, promoting.plan.environment, since=since)
    return promoting.note("app", found)


def check_app_version(promoting: Promoting) -> Evidence:
    """Compare the app's schema version with the database's, now that the change is in place."""
    if _has_nothing_to_prove(promoting) or promoting.plan.project.schema_guard.table is None:
        return Evidence(ok=True, summary="No schema guard is configured.", idle=True)
    plan = promoting.plan
    found = schema_guard.check(
        promoting.connection, plan.project, environment=plan.environment, app_version=plan.choices.app_version
    )
    return promoting.note("schema guard", found)


def watch_database(promoting: Promoting, *, progress: watch.Progress) -> Evidence:
    """Watch the database for as long as the environment says, against the time before; a watch that passed is kept."""
    if _has_nothing_to_prove(promoting):
        return Evidence(ok=True, summary=_SKIPPED, idle=True)
    begun = promoting.begun
    if begun is None:
        raise ValueError("a plan is begun before it is watched")
    if "watched" in begun.kept:
        return promoting.note("watch", Evidence.model_validate(begun.kept["watched"]))
    baseline = watch.Baseline.model_validate(begun.kept["baseline"])
    found = watch.run(promoting.target.dsn, promoting.plan.environment, baseline, progress=progress)
    if found.ok:
        plain = Evidence(ok=True, summary=found.summary, rows=found.rows).model_dump(mode="json")
        # A new login: the run's own may have been lost while it was idle, and a watch is not done twice.
        with database.connect(promoting.target.dsn, application=f"{promoting.run} (observer)") as connection:
            promotions.keep(connection, begun, watched=plain)
    return promoting.note("watch", found)


def _has_nothing_to_prove(promoting: Promoting) -> bool:
    return promoting.idle or promoting.stopped


def _named(differences: tuple[Difference, ...]) -> str:
    return f"{differences[0].kind} {differences[0].object}" if differences else ""
