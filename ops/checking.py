"""A scheduled check of one environment: what it is about, how it may look, and what it has found so far.

Source: supabase-operations.md, "Daily", "Weekly" and "Quarterly"; database-pipeline.md, "Daily Operations".
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString, TypeVar

from psycopg import sql
from psycopg.rows import class_row
from pydantic import ConfigDict

from ops import app_settings, check_memory, database, errors, project, secrets
from ops.bundle import Bundle
from ops.check_memory import Counted, Memory, Seen
from ops.check_settings import Checks
from ops.checked import Checked, Look, State, row_of
from ops.checks import Finding
from ops.evidence import Evidence
from ops.project import Environment, Project
from ops.redis_counters import Counters

UNSEEN = "not-looked-at"
Row = TypeVar("Row")


class CheckPlan(Evidence):
    """Which environment is checked, by which kind of check (the flow's name); `table`: only that one, such as s.t."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    kind: str
    project: Project
    environment: Environment
    out: Path
    table: str = ""


class Checking:
    """A run that checks one environment; what it asks of the database can change nothing."""

    def __init__(self, plan: CheckPlan, run: str) -> None:
        self.plan = plan
        self.run = run
        self.now = datetime.now(UTC)
        self.bundle: Bundle | None = None
        self.concluded: Checked | None = None
        self.findings: dict[str, Finding] = {}
        self.found_by: dict[str, str] = {}
        self.looks: dict[str, Look] = {}
        self.about = ""
        self.memory: Memory = check_memory.read(
            plan.out, plan.environment.name, about=plan.kind, now=self.now
        )
        self.counted: Counted | None = self.memory.counted
        self.redis = Counters(self.memory.redis)
        self.replicas: tuple[Seen, ...] = self.memory.replicas
        # Fingerprints of what an earlier run has found and of which this one, though it looked, cannot know.
        self.unknown: set[str] = set()
        self.unreachable: str | None = None
        self._connection: database.Connection | None = None

    @property
    def clock(self) -> datetime:
        """The time now; that of the whole run is `now`."""
        return datetime.now(UTC)

    @property
    def settings(self) -> Checks:
        """From where on something is a finding."""
        return self.plan.environment.checks

    @property
    def connection(self) -> database.Connection:
        """The one login of this run, made anew when it was lost; ask inside `reading`, so that nothing can change.

        Raises:
            Refused: the environment has no database, or the server says no.
            Unavailable: nobody answers.
        """
        if self.unreachable:
            raise errors.Unavailable(self.unreachable)
        if self._connection is None or self._connection.closed:
            self._connection = _login(self.plan, self.run)
        return self._connection

    def close(self) -> None:
        """Close the login, if there is one."""
        if self._connection is not None:
            self._connection.close()

    @contextmanager
    def reading(self, timeout: timedelta | None = None) -> Generator[database.Connection]:
        """Let the block ask in one transaction that only reads and is rolled back.

        All is set for the transaction and not for the session, which behind a pooler is the app's next. `timeout`
        is for each statement, and the environment's unless it is given.

        Raises:
            OpsError: as the driver's error says, by its SQLSTATE.
        """
        wanted = self.settings
        limits = {
            "statement_timeout": timeout or wanted.statement_timeout,
            "lock_timeout": wanted.lock_timeout,
            "idle_in_transaction_session_timeout": 2 * wanted.statement_timeout,
        }
        connection = self.connection
        with database.translating(), connection.transaction(force_rollback=True):
            connection.execute("set transaction isolation level repeatable read read only")
            for name, limit in limits.items():
                text = sql.SQL("set local {} = {}")
                given = sql.Literal(f"{round(limit.total_seconds() * 1000)}ms")
                connection.execute(text.format(sql.Identifier(name), given))
            yield connection

    def ask(self, text: LiteralString, into: type[Row], values: Mapping[str, Any] | None = None) -> list[Row]:
        """Ask one question and return its rows, each as an `into` of its columns.

        Raises:
            OpsError: as `reading` does.
        """
        with self.reading() as connection, connection.cursor(row_factory=class_row(into)) as cursor:
            return cursor.execute(text, values).fetchall()

    def found(
        self, findings: Iterable[Finding], well: str, *, rows: Iterable[Mapping[str, Any]] = ()
    ) -> Evidence:
        """Keep what was found, and return the evidence of a check: `well` where it is nothing.

        `rows` are what was seen, shown where nothing was found.
        """
        given = tuple(findings)
        for each in given:
            self.findings.setdefault(each.fingerprint, each)
            self.found_by.setdefault(each.fingerprint, self.about)
        return Evidence(
            ok=not any(each.severity == "failed" for each in given),
            summary=secrets.redact(" ".join(each.said for each in given) or well),
            rows=tuple(row_of(each) for each in given) or tuple(dict(row) for row in rows),
        )

    def idle(self, said: str) -> Evidence:
        """Return the evidence of a check for which nothing is configured."""
        return Evidence(ok=True, summary=said, idle=True)

    def unseen(self, why: str, todo: str) -> Evidence:
        """Return the evidence of a check that could not look, which is a finding of its own and no pass."""
        said = f"Not looked at: {self.about}. {why}"
        if why == self.unreachable:
            # The one reason is a finding itself; each check still says that nobody looked.
            return Evidence(ok=False, summary=secrets.redact(said))
        finding = Finding(
            kind=UNSEEN,
            object=self.about,
            severity="attention",
            said=said,
            why="What nobody has looked at may be wrong.",
            todo=todo,
        )
        return self.found([finding], "")

    def looked(self, state: State, evidence: Evidence) -> None:
        """Keep how the check went that has just looked."""
        self.looks[self.about] = Look(about=self.about, state=state, said=evidence.summary)

    def found_here(self) -> list[Finding]:
        """Return what the check that looks now has found."""
        return [each for key, each in self.findings.items() if self.found_by[key] == self.about]

    def forget(self, about: str) -> None:
        """Forget what a check has found so far: it looks again."""
        for key in [key for key, by in self.found_by.items() if by == about]:
            del self.findings[key], self.found_by[key]


def _login(plan: CheckPlan, run: str) -> database.Connection:
    where = plan.environment
    if where.database is None:
        raise errors.Refused(
            f"{where.name} has no database, so nobody can ask it. Name it in [environments.{where.name}] of "
            "runbooks.toml."
        )
    dsn = app_settings.open_reference(where.database, plan.project.root)
    secrets.remember(dsn)
    # Behind a transaction pooler a prepared statement may meet a backend that does not know it.
    return database.connect(
        dsn, application=run, timeout=where.checks.connect_timeout, prepare_threshold=None
    )


def plan(path: str, environment: str, *, kind: str) -> CheckPlan:
    """Read the project and say which environment is checked; reads files only.

    Raises:
        Refused: there is no such project or environment, or its configuration has a mistake.
    """
    operated = project.load(Path(path))
    where = operated.environment(environment)
    return CheckPlan(
        ok=True,
        summary=f"{operated.name} on {where.name} is looked at ({kind}), each question for at most "
        f"{where.checks.statement_timeout}; nothing is changed.",
        kind=kind,
        project=operated,
        environment=where,
        out=operated.root,
    )


@contextmanager
def opened(plan: CheckPlan, run: str) -> Generator[Checking]:
    """Open a check; the database and the others are first asked when it is their turn."""
    with closing(Checking(plan, run)) as checking:
        yield checking
