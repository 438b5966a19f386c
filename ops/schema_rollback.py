"""The newest migrations rolled back, by proven scripts only. Source: database-pipeline.md, "Schema Rollback"."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from ops import comparison, errors, migrations, project, proposal, schema, secrets
from ops.bundle import Bundle
from ops.choices import in_order
from ops.evidence import Evidence
from ops.migrations import Migration
from ops.project import Environment, Project
from ops.proposal import Proposal
from ops.target import Target
from ops.verdict import Difference

KIND = "schema-rollback"
# Described by a digest that only this process can compare.
_SALTED = frozenset({"foreign data wrapper", "server"})


class RollbackChoices(BaseModel):
    """How far back, and why."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, json_schema_extra=in_order
    )

    last: int = Field(default=1, ge=1, description="Roll back this many, the one that was applied last first")
    down_to: str = Field(default="", description="Or all that are above this version, which stays applied")
    reason: str = Field(default="", description="Why, for the record")
    out: str = Field(default="", description="Folder of the evidence; default: the project's own")


class RollbackPlan(Evidence):
    """What is to be rolled back where, as the files say; the database is looked at later."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    project: Project
    environment: Environment
    migrations: tuple[Migration, ...]
    choices: RollbackChoices
    out: Path


class RollingBack:
    """A rollback of the schema while it runs; `order` are the migrations that go, the first one first."""

    def __init__(self, plan: RollbackPlan, dsn: str) -> None:
        self.plan = plan
        self.dsn = dsn
        self.started = datetime.now(UTC)
        self.bundle: Bundle | None = None
        self.concluded: Evidence | None = None
        self.ends = ExitStack()
        self.applied: frozenset[str] = frozenset()
        self.order: tuple[Migration, ...] = ()
        self.done: set[str] = set()
        self.digest = ""
        self.identity: tuple[str, str] = ("", "")
        self.proofs: dict[str, Path] = {}
        self.losses: list[dict[str, str]] = []
        self.expected: dict[str, tuple[Difference, ...]] = {}
        self.removed: dict[str, tuple[Difference, ...]] = {}
        self.findings: list[str] = []
        self.target: Target | None = None

    @property
    def run(self) -> str:
        """The name under which the journal knows this run, the same when it goes on after a kill."""
        return f"{KIND} {self.bundle.run if self.bundle else ''}"[:63]

    @property
    def summary(self) -> str:
        """Say what is to be done, in one sentence."""
        names = ", ".join(migration.path.name for migration in self.order)
        loses = f" It loses data: {', '.join(row['what'] for row in self.losses)}." if self.losses else ""
        why = f" Reason: {self.plan.choices.reason}" if self.plan.choices.reason else ""
        return f"{self.plan.project.name}: to roll back {names} on {self.plan.environment.name}.{loses}{why}"

    def proposal(self, gate: str) -> Proposal:
        """Return what the gate is asked about."""
        plan = self.plan
        return Proposal(
            gate, plan.environment, plan.project.root, self.digest, self.summary, self._document()
        )

    def _document(self) -> str:
        proven = "\n".join(
            f"| {each.version} | {each.file} | {each.rollback.file if each.rollback else ''} | "
            f"{_name(self.proofs.get(each.version))} |"
            for each in self.order
        )
        lost = "\n".join(f"| {row['what']} | {row['how']} | {row['rows']} |" for row in self.losses)
        return "\n\n".join(
            [
                f"# {self.summary}",
                f"In the database {self.identity[1]} (system {self.identity[0]}), in this order, each in one "
                "transaction with its row of the journal where it can be one.",
                f"| version | migration | rollback script | proven in |\n|---|---|---|---|\n{proven}",
                f"## Data that goes\n\n| what | how | how much |\n|---|---|---|\n{lost}"
                if lost
                else "No data goes.",
                *(f"- {said}" for said in self.findings),
            ]
        )


def plan(path: str, environment: str, choices: RollbackChoices) -> RollbackPlan:
    """Say what would be rolled back; reads files only.

    Raises:
        Refused: the project or the environment has a mistake.
    """
    operated = project.load(Path(path))
    where = operated.environment(environment)
    found = migrations.find(operated)
    how = f"down to {choices.down_to}" if choices.down_to else f"the last {choices.last}"
    return RollbackPlan(
        ok=True,
        summary=f"{operated.name}: to roll back {how} on {where.name}.",
        project=operated,
        environment=where,
        migrations=found,
        choices=choices,
        out=Path(choices.out) if choices.out else operated.root,
    )


def opened(plan: RollbackPlan) -> RollingBack:
    """Return the rollback, with the database of its environment.

    Raises:
        Refused: the environment has no database, or its secret cannot be opened.
    """
    if plan.environment.database is None:
        raise errors.Refused(
            f"The environment {plan.environment.name!r} has no database, so there is nothing to roll back. "
            "Name it in runbooks.toml."
        )
    return RollingBack(plan, secrets.open_secret(plan.environment.database))


def digest(rolling: RollingBack, snapshot: schema.Snapshot) -> str:
    """Return the digest of what is rolled back, where, and from which schema."""
    passed_over = schema.SECRETS | comparison.CLUSTER | _SALTED
    texts = (f"{key} {text}\n" for key, text in sorted(snapshot.items()) if key[0] not in passed_over)
    content = {
        "runbook": KIND,
        "target": list(rolling.identity),
        "rollbacks": [
            [each.version, each.sha256, each.rollback.sha256 if each.rollback else ""]
            for each in rolling.order
        ],
        "schema": hashlib.sha256("".join(texts).encode()).hexdigest(),
    }
    return proposal.digest(content)


def _name(path: Path | None) -> str:
    return path.name if path else "nowhere"
