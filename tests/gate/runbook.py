"""The smallest runbook that has all four stanzas: it keeps a file's text in a table, if somebody approves it."""

from __future__ import annotations

from pathlib import Path

from psycopg import sql

from ops import database, errors, journal, project, proposal, secrets
from ops.evidence import Evidence
from ops.project import Environment
from ops.proposal import Proposal
from tasks import approval, runs
from tasks.runbook import flow
from tasks.step import step


class Plan(Evidence):
    """What is to be kept, and where."""

    root: Path
    environment: Environment
    content: dict[str, str]

    @property
    def digest(self) -> str:
        return proposal.digest(self.content)

    def proposal(self, gate: str) -> Proposal:
        """Return what the gate is asked about."""
        document = f"# Keep\n\n```\n{self.content['file']}\n```\n\nOverlay: {self.content['overlay']}"
        return Proposal(gate, self.environment, self.root, self.digest, self.summary, document)


def read(path: str, environment: str) -> Plan:
    """Read the file, the environment's overlay, and how many rows there are."""
    root = Path(path)
    where = project.load(root).environment(environment)
    with _connected(where) as connection:
        ((rows,),) = connection.execute("select count(*) from public.kept").fetchall()
    content = {
        "file": (root / "change.txt").read_text("utf-8"),
        "overlay": (root / f"{environment}.txt").read_text("utf-8"),
        "rows": str(rows),
    }
    return Plan(
        ok=True,
        summary=f"Keep {len(content['file'])} characters.",
        root=root,
        environment=where,
        content=content,
    )


def keep(plan: Plan) -> Evidence:
    """Keep the text, if the plan is still the one that was approved."""
    run = runs.current()
    with journal.held(secrets.open_secret(plan.environment.database or ""), run.name):
        if read(str(plan.root), plan.environment.name).digest != plan.digest:
            raise errors.Refused("The plan is not the one that was approved any more, so nothing was kept.")
        with _connected(plan.environment) as connection:
            insert = sql.SQL("insert into public.kept (run, text) values (%s, %s)")
            connection.execute(insert, (run.id, plan.content["file"]))
    return Evidence(ok=True, summary="Kept.")


def _connected(where: Environment) -> database.Connection:
    return database.connect(secrets.open_secret(where.database or ""))


plan_keeping = step(read, title="Plan to keep {path}", evidence="plan")
keep_text = step(keep, title="Keep the text", evidence="kept", retry=False)


@flow(name="gated", flow_run_name="Keep {project}")
def gated(project: str, environment: str = "production") -> None:
    """Keep a text.

    **When** in tests of the gate.
    **Needs** an environment with approvers.
    **Touches** one table.
    **If it stops halfway** run it again.
    """
    plan = plan_keeping(project, environment)

    approval.approve(plan, "keep")

    keep_text(plan)
