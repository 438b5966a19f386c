"""The steps of a switch: look, change in one transaction with what was there before kept, and look again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ops import database, errors, kept_state, queries, table_rows
from ops.evidence import Evidence
from ops.kept_state import Item, Kept, State
from ops.switch import Mode, Switching


def find(switching: Switching) -> Evidence:
    """Look at what there is, and say what would be changed; reads only.

    Raises:
        Refused: it may not be switched, or there is nothing to put back, or that was changed since.
        Unavailable: the database does not answer.
    """
    subject, mode = switching.subject, switching.plan.mode
    with switching.transaction(reads=True) as connection:
        switching.target = _target(connection)
        subject.open(connection)
        switching.state = subject.read(connection)
        mine = kept_state.of_run(connection, subject.kind, switching.run)
        if mine and switching.run == (mine.run if mode is Mode.SWITCH else mine.put_back_by):
            return _continued(switching, mine)
        if mode is Mode.SWITCH:
            switching.wanted = subject.wanted(switching.state)
        else:
            where = switching.plan.environment.name
            switching.kept = kept_state.newest(connection, subject.kind, where, subject=subject.name)
            switching.wanted = _to_put_back(switching)
    return _found(switching)


def act(switching: Switching) -> Evidence:
    """Switch it, with what was there before kept, in one transaction; only what was approved, and only once.

    Raises:
        Refused: it is not as it was when it was approved.
        CheckFailed: something else would change too.
        Unavailable: a lock is in the way, or the connection is lost.
    """
    subject = switching.subject
    if switching.done:
        return Evidence(
            ok=True, summary="This run has changed it already; that is not done again.", idle=True
        )
    with switching.transaction(reads=False) as connection:
        subject.lock(connection)
        mine = kept_state.of_run(connection, subject.kind, switching.run)
        if mine and switching.run in (mine.run, mine.put_back_by):
            return _continued(switching, mine)
        before = subject.read(connection)
        _verify_as_planned(switching, before)
        subject.write(connection, before, switching.changes, switching.plan.mode)
        after = subject.read(connection)
        _verify_nothing_else(switching, before, after)
        _keep(switching, connection, before, after)
        changes = switching.changes
        switching.kept = kept_state.of_run(connection, subject.kind, switching.run)
    switching.done = True
    return Evidence(
        ok=True,
        summary=f"Changed in one transaction, with what was there before: {', '.join(changes)}.",
        rows=tuple(_rows(changes, before, after)),
    )


def verify(switching: Switching) -> Evidence:
    """Read again what there is now, and see that it is what was meant.

    Raises:
        Unavailable: the database does not answer.
    """
    subject, kept = switching.subject, switching.kept
    with switching.transaction(reads=True) as connection:
        subject.open(connection)
        found = subject.read(connection)
    switched = switching.plan.mode is Mode.SWITCH
    problems = list(subject.problems(found)) if switched else []
    if switching.done and kept:
        expected = {
            name: item.after if switched else {**found.get(name, {}), **item.touched}
            for name, item in kept.items.items()
        }
        over = {} if switched else {name: subject.times(name) for name in expected}
        meant = {name: found[name] for name in expected if name in found}
        problems += [
            f"{said} is not as it was left: somebody has changed it since"
            for said in table_rows.differing(expected, meant, passed_over=over)
        ]
    switching.verified = _alike(tuple({"item": name, **values} for name, values in found.items()))
    said = "; ".join(problems) or "everything is as it was meant"
    return Evidence(ok=not problems, summary=f"Read again: {said}.", rows=switching.verified)


def _target(connection: database.Connection) -> tuple[str, str]:
    ((system, name),) = connection.execute(queries.load("kept_state/target")).fetchall()
    return system, name


def _continued(switching: Switching, mine: Kept) -> Evidence:
    switching.kept, switching.done = mine, True
    return Evidence(
        ok=True, summary="This run has changed it before it was interrupted, and goes on from there."
    )


def _found(switching: Switching) -> Evidence:
    if not switching.changes:
        return Evidence(
            ok=True,
            summary=f"{switching.subject.name} on {switching.plan.environment.name} is as it should be already, so "
            "there is nothing to do.",
            idle=True,
        )
    after = {name: {**switching.state[name], **values} for name, values in switching.changes.items()}
    rows = tuple(_rows(switching.changes, switching.state, after))
    return Evidence(ok=True, summary=switching.summary, rows=rows)


def _to_put_back(switching: Switching) -> State:
    kept, plan = switching.kept, switching.plan
    if kept is None:
        raise errors.Refused(
            f"Nothing is kept of {switching.subject.name} on {plan.environment.name!r} that has not been put back, so "
            "there is nothing to put back."
        )
    gone = [name for name in kept.items if name not in switching.state]
    over = {name: switching.subject.times(name) for name in kept.items}
    meant = {name: switching.state[name] for name in kept.items if name in switching.state}
    after = {name: item.after for name, item in kept.items.items()}
    changed = table_rows.differing(after, meant, passed_over=over)
    if gone or (changed and not plan.even_if_changed):
        advice = "" if gone else " Look at it, and choose even_if_changed if what was before shall come back."
        raise errors.Refused(
            f"Changed since it was kept at {kept.at:%Y-%m-%d %H:%M:%S}: {'; '.join(changed)}. Nothing was put back."
            f"{advice}"
        )
    switching.findings += [f"{said} was changed since and is put back all the same" for said in changed]
    return {name: item.touched for name, item in kept.items.items()}


def _verify_as_planned(switching: Switching, before: State) -> None:
    planned = {name: switching.state[name] for name in switching.wanted if name in switching.state}
    now = {name: before[name] for name in switching.wanted if name in before}
    moved = table_rows.differing(planned, now, passed_over={})
    if switching.plan.mode is Mode.SWITCH and switching.subject.wanted(before) != switching.wanted:
        moved = moved or ["what there is to change"]
    if moved:
        raise errors.Refused(
            f"Changed since the plan was made: {'; '.join(moved)}. Nothing was changed. Run again for a new plan."
        )


def _verify_nothing_else(switching: Switching, before: State, after: State) -> None:
    wanted, subject = switching.wanted, switching.subject
    expected = {name: {**values, **wanted.get(name, {})} for name, values in before.items()}
    times = {name: subject.times(name) for name in wanted}
    if found := table_rows.differing(expected, after, passed_over=times):
        raise errors.CheckFailed(
            f"More than what was planned would change, so nothing was: {'; '.join(found)}. Is there a trigger?"
        )
    if switching.plan.mode is Mode.PUT_BACK:
        switching.findings += [
            f"{said} is the time of the change, not the one before: a trigger sets it"
            for said in table_rows.differing(expected, after, passed_over={})
        ]
    elif problems := subject.problems(after):
        raise errors.CheckFailed(f"It would not be as it should, so nothing was changed: {problems[0]}.")


def _keep(switching: Switching, connection: database.Connection, before: State, after: State) -> None:
    plan, subject, kept = switching.plan, switching.subject, switching.kept
    run = switching.run
    if plan.mode is Mode.PUT_BACK and kept:
        kept_state.record_put_back(connection, kept, run=run, plan_digest=switching.digest)
        return
    items = {name: Item(before=before[name], after=after[name]) for name in switching.changes}
    kept_state.keep(
        connection,
        *(subject.kind, plan.environment.name),
        subject=subject.name,
        run=run,
        plan_digest=switching.digest,
        items=items,
    )


def _rows(changes: State, before: State, after: State) -> Iterable[dict[str, str]]:
    for name, values in changes.items():
        for field in values:
            old, new = before[name].get(field), after[name].get(field)
            yield {"item": name, "what": field, "before": _told(old), "after": _told(new)}


def _told(text: str | None) -> str:
    return "none" if text is None else text


def _alike(rows: tuple[Mapping[str, str | None], ...]) -> tuple[dict[str, str | None], ...]:
    """Give all lines of a table the same columns, and leave out what is only compared."""
    plain = [{name: said for name, said in row.items() if not _is_digest(said)} for row in rows]
    fields = dict.fromkeys(field for row in plain for field in row)
    return tuple({field: row.get(field) for field in fields} for row in plain)


def _is_digest(said: str | None) -> bool:
    return said is not None and said.startswith(table_rows.DIGEST)
