"""Every kind of change is found on a live database, named as it is there, and gone when it is undone."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import pytest

from ops import database, embedded, pull_request_drift, schema
from ops.pull_request_drift import Expected
from ops.pull_request_result import StagingDrift
from tests import drift
from tests.drift import databases
from tests.drift.kind import Kind

KINDS = [
    pytest.param(group, kind, id=f"{group}-{kind}") for group, kinds in drift.GROUPS.items() for kind in kinds
]


@dataclass
class Live:
    """A live staging, and what its migrations should have made of it."""

    server: embedded.Server
    name: str
    session: database.Connection
    expected: Expected

    def drift(self, *ignore: str) -> StagingDrift:
        staging = pull_request_drift.observe("env:LIVE_STAGING", ())
        return pull_request_drift.judge(staging, self.expected, ignore=ignore)


class Stagings:
    """The staging of one group of changes at a time."""

    def __init__(self, server: embedded.Server, environment: pytest.MonkeyPatch) -> None:
        self._server, self._environment = server, environment
        self._group = ""
        self._live: Live | None = None

    def of(self, group: str) -> Live:
        if self._live is None or self._group != group:
            self.close()
            self._live, self._group = self._made(group), group
        return self._live

    def close(self) -> None:
        if self._live:
            self._live.session.close()
            databases.drop(self._server, self._live.name)
            self._live = None

    def _made(self, group: str) -> Live:
        server = self._server
        databases.make_roles(server)
        kinds = tuple(k for k in drift.GROUPS[group] if k.since <= server.major <= k.until)
        with database.connect(server.dsn("postgres", user=server.superuser)) as empty:
            bare = schema.snapshot(empty)
        with databases.built(server, kinds) as template:
            name = f"live_{group}"
            embedded.create_database(server, name, template=template)
        databases.subscribe(server, name, kinds)
        session = databases.connect(server, name)
        usual = pull_request_drift.extensions(session)
        expected = Expected(schema.snapshot(session), bare, usual, server.major, "the base's migrations")
        self._environment.setenv("LIVE_STAGING", server.dsn(name, user=server.superuser))
        return Live(server, name, session, expected)


@pytest.fixture(scope="module")
def stagings(server: embedded.Server) -> Generator[Stagings]:
    with pytest.MonkeyPatch.context() as environment:
        made = Stagings(server, environment)
        yield made
        made.close()


@pytest.mark.parametrize(("group", "kind"), [each for each in KINDS if each.values[1].until > 15])
def test_a_change_is_found_on_a_live_database(stagings: Stagings, group: str, kind: Kind) -> None:
    live = stagings.of(group)
    sees = kind.sees.replace("DRIFT_OWNER", live.server.superuser)
    try:
        live.session.execute(kind.change.encode())
        found = live.drift()
        assert sees in {f"{each.kind} {each.object}" for each in found.differences}
        assert found.status == "differs"
        live.session.execute(kind.undo.encode())
        assert live.drift().differences == ()
    except BaseException:
        stagings.close()
        raise
