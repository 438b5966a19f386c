"""What RLS and authentication refused, as the server's log tells it. Source: supabase-operations.md, "Daily"."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime

from ops import logs_api, server_log, spoken
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence
from ops.logs_api import Api, Kind
from ops.server_log import Line

_REFUSED = "42501"
_LOGINS = ("28000", "28P01")
_AT = re.compile(r'\b(table|view|relation|schema|function|sequence|column) "?([^\s"]+)"?')
_ROLE = re.compile(r'for (?:user|role) "([^"]+)"')
_LONGEST = 100
_BROKEN = 500


@check("errors of RLS and authentication")
def check_errors(checking: Checking) -> Evidence:
    """Count in the log what RLS or a missing right refused, by object, and failed logins, by role."""
    wanted = checking.settings
    if not wanted.log_file and not wanted.logs_url:
        return _unread(checking)
    lines = list(_lines(checking))
    refused, logins = defaultdict[str, list[Line]](list), defaultdict[str, list[Line]](list)
    for line in lines:
        if line.state == _REFUSED:
            refused[_object(line)].append(line)
        elif line.state in _LOGINS:
            logins[_role(line)].append(line)
    since = f"in the last {spoken.span(wanted.logs_since)}"
    counted = sum(line.counted or 0 for line in lines)
    findings = [
        *(
            _refusals(name, found, since)
            for name, found in refused.items()
            if len(found) > wanted.refused_rows
        ),
        *(
            _failures(name, found, since)
            for name, found in logins.items()
            if len(found) > wanted.refused_logins
        ),
        *_by_auth(checking, since),
        *([_only_counted(counted, since)] if counted else []),
    ]
    few = sum(map(len, logins.values()))
    return checking.found(findings, f"RLS and rights refused nothing, and {few} logins failed, {since}.")


def _unread(checking: Checking) -> Evidence:
    where = checking.plan.environment.name
    finding = Finding(
        kind="no-log",
        object="server log",
        severity="note",
        said="No log is configured, so violations of RLS and failed logins are not seen; deadlocks, conflicts and "
        "sessions that broke off are counted instead.",
        why="An attack, or a policy that locks users out, shows in the log first.",
        todo=f"Name log_file or logs_url in [environments.{where}.checks].",
    )
    return checking.found([finding], "").model_copy(update={"idle": True})


def _api(checking: Checking) -> Api | None:
    wanted = checking.settings
    if not wanted.logs_url:
        return None
    where = f"[environments.{checking.plan.environment.name}.checks]"
    return Api(wanted.logs_url, wanted.logs_token, f"logs_url and logs_token of {where}")


def _by_auth(checking: Checking, since: str) -> Iterator[Finding]:
    if api := _api(checking):
        start = checking.now - checking.settings.logs_since
        for kind, count in logs_api.refused_by_auth(api, since=start, until=checking.clock).most_common():
            # An error of Auth itself is always one; that people mistype a password is every day's.
            if kind.status >= _BROKEN or count > checking.settings.auth_errors:
                yield _auth_errors(kind, count, since)


def _auth_errors(kind: Kind, count: int, since: str) -> Finding:
    broken = kind.status >= _BROKEN
    where = f"status {kind.status} at {kind.path}"
    why = "Somebody tries passwords or tokens, or a part of the app uses Auth in a wrong way."
    todo = (
        f"Look in the logs of Auth for {where}: what its message says, and from how many addresses they come."
    )
    if broken:
        why = "Users cannot sign in, up or out."
        todo = f"Look in the logs of Auth for {where}: its message names what fails, as a hook or the mail server."
    return Finding(
        kind="auth-broken" if broken else "auth-errors",
        object=f"Auth, {kind.status} at {kind.path}",
        severity="attention",
        said=f"Auth answered {count} requests at {kind.path} with {kind.status} {since}.",
        why=why,
        todo=todo,
    )


def _lines(checking: Checking) -> Iterator[Line]:
    wanted = checking.settings
    since, until = checking.now - wanted.logs_since, checking.clock
    if api := _api(checking):
        yield from logs_api.refused(api, (_REFUSED, *_LOGINS), since=since, until=until)
    if wanted.log_file:
        name = checking.connection.info.dbname
        yield from server_log.of_files(wanted.log_file, database=name, since=since, until=until)


def _refusals(name: str, lines: list[Line], since: str) -> Finding:
    by_policy = sum("row-level security" in line.message for line in lines)
    return Finding(
        kind="rls-refusals" if by_policy else "rights-refusals",
        object=name,
        severity="attention",
        said=f"{_times(lines)} refused at {name} {since}, {by_policy} by a policy of RLS (of {_roles(lines)}).",
        why="Either somebody tries what is not theirs, or a policy or a missing right locks users out.",
        todo=f"Look in the log for {_REFUSED} at {name}, and compare its policies with the contract.",
        since=_first(lines),
    )


def _failures(name: str, lines: list[Line], since: str) -> Finding:
    return Finding(
        kind="failed-logins",
        object=f"role {name}",
        severity="attention",
        said=f"{len(lines)} logins of the role {name} failed {since}.",
        why="Somebody guesses a password, or a part of the app still has an old one.",
        todo="Look in the log from where they come; rotate the password where it is not one of yours.",
        since=_first(lines),
    )


def _only_counted(count: int, since: str) -> Finding:
    return Finding(
        kind="errors-counted",
        object="server log",
        severity="attention",
        said=f"The logs API counts {count} errors {since}, and does not say which.",
        why="Violations of RLS and failed logins may be among them.",
        todo="Let logs_url answer with the lines, as Supabase's does.",
    )


def _object(line: Line) -> str:
    found = _AT.search(line.message)
    return f"{found[1]} {found[2]}"[:_LONGEST] if found else "an unknown object"


def _role(line: Line) -> str:
    found = _ROLE.search(line.message)
    return (found[1] if found else line.role or "unknown")[:_LONGEST]


def _roles(lines: Iterable[Line]) -> str:
    counts = Counter(line.role or "an unknown role" for line in lines)
    return ", ".join(f"{name} {count}" for name, count in counts.most_common(3))


def _times(lines: list[Line]) -> str:
    return "1 statement was" if len(lines) == 1 else f"{len(lines)} statements were"


def _first(lines: Iterable[Line]) -> datetime | None:
    return min((line.at for line in lines if line.at), default=None)
