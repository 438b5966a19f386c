"""The parts of the deploy gate, in the order of deploy-gate.md; each hands its subject what it needs of the gate."""

from __future__ import annotations

from ops import (
    auth_preflight,
    commands,
    config_lines,
    connectivity,
    declaration,
    declared,
    deploys,
    errors,
    growth,
    integrity,
    repository,
    samples,
    smoke,
    written_tables,
)
from ops.deploy_choices import Part, Phase
from ops.deploy_gated import Gated, part
from ops.deploy_verdict import Checklist, Found
from ops.evidence import Evidence
from ops.growth import Growth

TESTS_LOG = "tests.log"
# deploy-gate.md, "Failure Handling", 2.
_WRITES_ARE_MISSING = (
    "Run the smoke alone (deploy-gate --only smoke): it writes by the app's own path, and says where that ends.",
    "Run the integrity check alone (deploy-gate --only integrity).",
    "Verify the rights of the app's role on the tables that it writes (deploy-gate --only auth).",
)


@part(Part.AUTH)
def check_auth(gate: Gated) -> Found:
    """Diagnose the DSN, log in, and look for the app's settings and the role's rights on its tables.

    Raises:
        Refused: the DSN cannot work, or the login is refused; the message has the triage.
        Unavailable: nobody answers.
    """
    project = gate.plan.project
    rows = auth_preflight.check_settings(project.root, project.deploy)
    wrong = [f"{row['what']}: {row['found']}" for row in rows if not row["ok"]]
    try:
        # A data store that is wrong is one of the rows, beside all else that is.
        known = {} if wrong else {"DATASTORE": "postgres"}
        reached = connectivity.check(gate.dsn, needs_session=False, environment=known)
    except errors.OpsError:
        gate.findings += wrong
        raise
    tables = written_tables.find(gate.connection, project.deploy)
    rows += auth_preflight.check_rights(gate.connection, tables, place=samples.place(project.root, "tables"))
    if not tables.found and not tables.missing:
        gate.findings.append(
            "No table is named in [deploy] tables and none of the runbook's is there, so no rights were looked at."
        )
    gate.findings += reached.remarks
    return auth_preflight.evidence(rows, login=reached.summary)


def find_deploy(gate: Gated) -> Evidence:
    """Find what is recorded of this deploy; after it, there must be a baseline from before it.

    Raises:
        Refused: there is none, or the app was rolled back from this deploy.
    """
    plan = gate.plan
    if plan.partial and Part.GROWTH not in plan.only:
        return Evidence(ok=True, idle=True, summary="No deploy is recorded when parts run alone.")
    gate.record = deploys.read(gate.connection, plan.environment.name, plan.deploy)
    if plan.phase is Phase.PRE:
        known = "is recorded already, and is looked at anew" if gate.record else "is new"
        return Evidence(ok=True, summary=f"The deploy {plan.deploy!r} on {plan.environment.name!r} {known}.")
    gate.baseline = deploys.baseline(gate.record, plan.environment.name, plan.deploy, root=plan.out)
    _check_runs(gate)
    verdict = gate.record and gate.record.verdict_before
    return Evidence(
        ok=True,
        summary=f"The deploy {plan.deploy!r} has a baseline; the gate before it {verdict or 'did not conclude'}.",
    )


def _check_runs(gate: Gated) -> None:
    if gate.record and gate.record.over:
        raise errors.Refused(
            f"The deploy {gate.plan.deploy!r} on {gate.plan.environment.name!r} is not what runs: {gate.record.over}. "
            "Mend the cause, and gate the next deploy under a new id, before it and after it."
        )


@part(Part.COMMIT)
def check_commit(gate: Gated) -> Found:
    """Say what is deployed: its commit, and before the deploy that the tree is clean and pushed.

    Raises:
        Refused: what was given is no commit.
    """
    plan = gate.plan
    given = plan.commit or (gate.record.commit if gate.record and plan.phase is Phase.POST else None)
    gate.commit = repository.find(plan.project.root, plan.commit)
    if gate.commit is None and given:
        gate.commit = repository.find(plan.project.root, given)
    return repository.check(gate.commit, strict=plan.phase is Phase.PRE)


@part(Part.SCHEMA)
def check_schema(gate: Gated) -> Found:
    """Compare the database with what the project declares that the app needs."""
    project = gate.plan.project
    path = project.root / project.deploy.declaration
    if not path.is_file():
        return Found(
            ok=False,
            checked=False,
            summary=f"There is no {project.deploy.declaration}, so it is not known what the app needs.",
            next_steps=(
                f"Write it: runbooks schema declare {gate.plan.reference} --out {project.deploy.declaration}; then "
                "take out of it what the app does not need.",
            ),
        )
    return declared.check(
        gate.connection, declaration.read(path), where=declaration.places(path, project.deploy.declaration)
    )


@part(Part.TESTS, Phase.PRE)
def run_tests(gate: Gated) -> Found:
    """Run the project's own tests, keep what they said, and judge by their exit code.

    Raises:
        Refused: the command is not there.
    """
    settings = gate.plan.project.deploy
    if not settings.tests:
        gate.findings.append("[deploy] names no tests, so none were run.")
        return Found(
            ok=True, checked=False, summary="The project names no tests in [deploy], so none were run."
        )
    ended = commands.run(
        settings.tests,
        cwd=gate.plan.project.root,
        timeout=settings.tests_timeout,
        key=f"[deploy] tests ({config_lines.place(gate.plan.project.root, 'deploy', 'tests')})",
        hidden=gate.plan.project.private_variables,
    )
    if gate.bundle:
        gate.bundle.write_text(
            TESTS_LOG, f"$ {ended.command}\n{ended.output}\n{ended.command} {ended.said}\n"
        )
    said = f": {ended.last_line}" if ended.last_line else ""
    steps = (f"Read {TESTS_LOG} in the bundle, mend what fails, commit, and run the gate again.",)
    return Found(
        ok=ended.ok,
        summary=f"`{ended.command}` {ended.said}{said}",
        rows=({"command": ended.command, "exit code": ended.code, "seconds": round(ended.seconds, 1)},),
        next_steps=() if ended.ok else steps,
    )


@part(Part.SMOKE)
def check_smoke(gate: Gated) -> Found:
    """Write, read back, change and delete a row of each table by the app's own path, and leave no trace."""
    return smoke.check(gate)


@part(Part.INTEGRITY)
def check_integrity(gate: Gated) -> Found:
    """Look for what is wrong in the rows, and keep the report.

    Raises:
        Refused: a configured table or column does not exist.
    """
    project = gate.plan.project
    with config_lines.named(project.root):
        found = integrity.check(gate.connection, growth.without(project.integrity, gate.absent))
    gate.integrity = found.report()
    remedies = dict.fromkeys(f"{each.object}: {each.remedy}" for each in found.findings)
    return Found(ok=found.ok, summary=found.summary, rows=found.rows, next_steps=tuple(remedies))


@part(Part.CHECKLIST, Phase.POST)
def record_checklist(gate: Gated) -> Found:
    """Record whether a person went through the manual checklist."""
    asked = gate.checklist or Checklist(status="not asked")
    gate.checklist = asked
    items = gate.plan.project.deploy.checklist
    who = f" by {asked.by}" if asked.by else ""
    said = f": {asked.said}" if asked.said else "."
    return Found(
        ok=asked.status == "confirmed",
        checked=asked.status != "not asked",
        summary=f"The manual checklist of {len(items)} items is {asked.status}{who}{said}",
        rows=tuple({"item": item, "status": asked.status} for item in items),
        next_steps=() if asked.status == "confirmed" else tuple(f"By hand: {item}" for item in items),
    )


def record_deploy(gate: Gated) -> Evidence:
    """Record the deploy: after it its commit and times; before it count its baseline, recorded with what was found.

    Raises:
        Refused: it has happened, and its baseline stands; the app was rolled back from it; or the login may not.
    """
    plan = gate.plan
    name = plan.environment.name
    if plan.partial:
        return Evidence(ok=True, idle=True, summary="No deploy is recorded when parts run alone.")
    deploys.prepare(gate.connection)
    if plan.phase is Phase.PRE:
        if gate.record and (gate.record.deployed_at or gate.record.over):
            raise errors.Refused(deploys.stands(name, plan.deploy))
        gate.baseline = {"counts": dict(count(gate)), "absent": list(gate.absent)}
        _say_absent(gate)
        counted = ", ".join(f"{table} {rows:,}" for table, rows in gate.baseline["counts"].items())
        return Evidence(
            ok=True, summary=f"The baseline of {plan.deploy!r}: {counted or 'no table is watched'}."
        )
    # Before the deploy counts as done, since what is refused here could not be begun anew.
    gate.grown = _grown(gate)
    deploys.record_after(
        gate.connection,
        name,
        plan.deploy,
        commit=gate.commit.hash if gate.commit else None,
        deployed_at=plan.deployed_at,
        restarted_at=plan.restarted_at,
    )
    gate.record = deploys.read(gate.connection, name, plan.deploy)
    # Somebody may have taken the app back while the checklist waited.
    _check_runs(gate)
    return Evidence(ok=True, summary=_recorded(gate))


def _say_absent(gate: Gated) -> None:
    configured = gate.plan.project.integrity.growth
    if named := [name for name in gate.absent if name in configured]:
        gate.findings.append(
            f"[integrity.growth] names {', '.join(named)}, which is not there: after the deploy it must be, and its "
            "rows are counted from none."
        )


def count(gate: Gated) -> dict[str, int]:
    """Return how many rows the tables have whose growth is watched."""
    wanted = growth.without(gate.plan.project.integrity, gate.absent)
    return growth.count(gate.connection, growth.expectations(gate.connection, wanted))


@part(Part.GROWTH, Phase.POST)
def prove_growth(gate: Gated) -> Found:
    """Compare the numbers of rows with those before the deploy.

    Raises:
        Refused: there is no baseline.
    """
    found = gate.grown or _grown(gate)
    return Found(
        ok=found.ok,
        checked=bool(found.tables),
        summary=found.summary,
        rows=found.rows,
        next_steps=() if found.ok else _WRITES_ARE_MISSING,
    )


def _grown(gate: Gated) -> Growth:
    """Compare with the baseline and what the gate itself has left since."""
    before: dict[str, int] | None = gate.baseline.get("counts")
    traces: dict[str, int] = gate.baseline.get("traces") or {}
    with config_lines.named(gate.plan.project.root):
        expected = growth.expectations(gate.connection, gate.plan.project.integrity)
    if before is not None:
        before = {name: rows + traces.get(name, 0) for name, rows in before.items()}
    new = growth.made(gate.connection, gate.baseline.get("absent") or ())
    counts = {name: rows - traces.get(name, 0) * (name in new) for name, rows in count(gate).items()}
    return growth.compare(before, counts, expected, new=new)


def _recorded(gate: Gated) -> str:
    record = gate.record
    if record is None:
        return "Nothing is recorded of the deploy."
    if record.restarted_at is None:
        gate.findings.append("When the app was restarted is not recorded; give it with --restarted.")
    deployed = f"{record.deployed_at:%Y-%m-%d %H:%M %Z}" if record.deployed_at else "at an unknown time"
    restarted = f", restarted {record.restarted_at:%Y-%m-%d %H:%M %Z}" if record.restarted_at else ""
    return f"{gate.plan.deploy!r} is recorded: commit {record.commit or 'unknown'}, deployed {deployed}{restarted}."
