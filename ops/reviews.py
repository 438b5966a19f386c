"""Enrolment and reviews in the audit log: who was added or removed, and who has looked at a broken glass."""

from __future__ import annotations

import getpass
import re
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

from ops import database, errors, people, project, schema_guard_skip, secrets, used_codes
from ops.approval import SHORTEST_REASON
from ops.attempts import LOGGER
from ops.audit import Event, Log, Row
from ops.people import Enrolled
from ops.project import Environment
from ops.schema_guard_skip import Pair

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@contextmanager
def opened(path: Path, environment: str) -> Generator[tuple[Environment, Log]]:
    """Open the audit log of an environment.

    Raises:
        Refused: there is no such environment, or it has no database.
        Unavailable: the database does not answer.
    """
    operated = project.load(path)
    where = operated.environment(environment)
    if where.database is None:
        raise errors.Refused(
            f"The environment {environment!r} has no database, so it has no audit log. Name it in runbooks.toml."
        )
    people.verify_place(where.approvers, operated.root, what="approvers' store")
    people.verify_place(where.audit_key, operated.root, what="audit log's key")
    with database.connect(
        secrets.open_secret(where.database), application="runbooks audit", writes=True
    ) as connection:
        yield where, Log.of(where, operated.root, connection)


def enrol(path: Path, environment: str, name: str) -> Enrolled:
    """Enrol somebody who approves, and write that down: both, or neither.

    Raises:
        Refused: the name is none or enrolled already, or the environment has no store or no database.
        Unavailable: it cannot be written down.
    """
    with opened(path, environment) as (where, log):
        log.prepare()
        with _recorded(log, environment, "enrolled", undone="removed") as record:
            return people.add(where.approvers, name, environment=environment, now=log.now(), record=record)


def remove(path: Path, environment: str, name: str) -> str:
    """Remove somebody who approved, and write that down: both, or neither.

    Raises:
        Refused: nobody of this name is enrolled, or the environment has no store or no database.
        Unavailable: it cannot be written down.
    """
    with opened(path, environment) as (where, log):
        log.prepare()
        with _recorded(log, environment, "removed", undone="enrolled") as record:
            return people.remove(where.approvers, name, record=record)


@contextmanager
def _recorded(log: Log, environment: str, event: str, *, undone: str) -> Generator[Callable[[str], None]]:
    """Write down what is about to happen to the store, and that it has not where it could not."""
    by = {"by": getpass.getuser()}
    told: list[str] = []

    def record(name: str) -> None:
        told.append(name)
        log.append(Event(event, environment, actor=name, details=by))

    try:
        yield record
    except errors.OpsError:
        for name in told:
            with suppress(errors.OpsError):
                note = f"{event} before, which did not come to be: the store or this log could not be written"
                log.append(Event(undone, environment, actor=name, note=note, details=by))
        raise


def unreviewed(rows: Sequence[Row]) -> list[Row]:
    """Return the broken glasses that nobody else has looked at yet."""
    seen = {row.details.get("of") for row in rows if row.event == "reviewed"}
    return [row for row in rows if row.event == "break-glass" and row.id not in seen]


def review(where: Environment, log: Log, number: int, *, name: str, code: str, note: str) -> Row:
    """Write down that somebody else has looked at a broken glass.

    Raises:
        Refused: there is no such row to review, or the reviewer is not proven or is who broke the glass.
    """
    glass = next((row for row in unreviewed(log.rows()) if row.id == number), None)
    if glass is None:
        raise errors.Refused(f"Row {number} of the audit log is no broken glass that waits for a review.")
    reviewer = people.known(name)
    if reviewer == glass.actor:
        raise errors.Refused(f"{reviewer} broke this glass, so somebody else reviews it.")
    step = _proven(where, log, reviewer, code, f"review of {number}")
    details = {"of": number, "step": step}
    event = Event(
        *("reviewed", where.name, glass.run, glass.gate, glass.plan_digest),
        actor=reviewer,
        proof="totp",
        note=note,
        details=details,
    )
    return log.append(event)


def override(where: Environment, log: Log, commit: str, *, name: str, code: str, note: str) -> Row:
    """Write down that somebody lets a commit through though the gate of its pull request says no, and tell everybody.

    The row is found again by these of its fields: `event` is break-glass, `gate` is pr-gate, `environment` that of the
    log, and `plan_digest` is the commit's whole hash in small letters; `run` is empty. `actor` is who, `proof` is totp,
    `note` the reason, and `details["step"]` the code's number. It is open until a row whose `event` is reviewed has its
    `id` as `details["of"]`, which `unreviewed` looks up. A squash or a rebase makes another commit, of which this says
    nothing.

    Raises:
        Refused: the environment has no glass to break, the reason is too short, or the name is not proven.
    """
    _verify_glass(where, note)
    if not _COMMIT.fullmatch(commit):
        raise errors.Refused(
            f"{commit!r} is no commit: give the whole of its hash, as git rev-parse HEAD says it."
        )
    broken = Event("break-glass", where.name, "", "pr-gate", commit, note=note)
    return _break(where, log, broken, name, code, f"overrides the gate of the pull request for {commit}")


def skip_guard(where: Environment, log: Log, pair: Pair, *, name: str, code: str, note: str) -> Row:
    """Write down that somebody lets an app start though the schema guard says no, and tell everybody.

    Raises:
        Refused: the environment has no glass to break, the reason is too short, the app has no version, or the name
            is not proven.
    """
    _verify_glass(where, note)
    if not pair.app:
        raise errors.Refused(
            "The app has no schema version here, and the glass is broken for one. Give it with --app-version."
        )
    broken = Event(
        "break-glass", where.name, "", schema_guard_skip.GATE, pair.digest, note=note, details=asdict(pair)
    )
    return _break(where, log, broken, name, code, f"lets the schema guard be skipped for {pair}")


def _verify_glass(where: Environment, note: str) -> None:
    if not where.break_glass:
        raise errors.Refused(
            f"The environment {where.name!r} does not say break_glass = true, so nothing is overridden there."
        )
    if len(note.strip()) < SHORTEST_REASON:
        raise errors.Refused(f"An override takes a reason of at least {SHORTEST_REASON} characters.")


def _break(where: Environment, log: Log, broken: Event, name: str, code: str, said: str) -> Row:
    who = people.known(name)
    step = _proven(where, log, who, code, f"{broken.gate} {broken.plan_digest}")
    details = {**broken.details, "step": step}
    row = log.append(replace(broken, actor=who, proof="totp", details=details))
    if where.notify:
        from ops import webhook

        text = f"{who} {said}: {broken.note}\n\nIt waits for somebody's review."
        told = webhook.tell("approvers' channel", where.notify, text, timeout=timedelta(seconds=10))
        if not told.ok:
            LOGGER.warning("%s", told.summary)
    return row


def _proven(where: Environment, log: Log, name: str, code: str, purpose: str) -> int:
    person = people.read(where.approvers).get(name)
    step = people.step(person, code, log.now()) if person else None
    if (
        person is None
        or step is None
        or (name, step) in log.store.used()
        or not used_codes.use(
            person, step, f"{where.name}/{purpose}", store=where.approvers, folder=log.store.path.parent
        )
    ):
        raise errors.Refused(f"The name {name} or its code is not right, or the code was used already.")
    return step
