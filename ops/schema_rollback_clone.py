"""What each rollback script does on a throw-away clone with the same migrations, to compare with what it does here."""

from __future__ import annotations

from ops import apply, comparison, database, errors, reversal, throwaway
from ops.evidence import Evidence
from ops.project import THROW_AWAY, Environment
from ops.schema_rollback import RollingBack
from ops.throwaway import Throwaway


def expect(rolling: RollingBack) -> Evidence:
    """Run the scripts on a clone and remember what each changes.

    Where that cannot be known (another major version, migrations that do not apply from nothing) it is a finding: then
    what the scripts change here is recorded, and compared with nothing.
    """
    where = rolling.plan.environment
    clone = Environment(name=THROW_AWAY, bindir=where.bindir)
    with database.connect(rolling.dsn, application=rolling.run) as connection:
        major = connection.info.server_version // 10000
    try:
        with throwaway.opened(rolling.plan.project, clone, run=rolling.run) as away:
            _run(rolling, away, major)
    except errors.CheckFailed as error:
        rolling.expected.clear()
        said = f"What the scripts do here is recorded and compared with nothing, since {error}"
        rolling.findings.append(said)
        return Evidence(ok=True, summary=said, idle=True)
    rows = tuple(
        {"version": version, "object": f"{each.kind} {each.object}"}
        for version, found in rolling.expected.items()
        for each in found
    )
    return Evidence(ok=True, summary=f"On a clone the scripts change {len(rows)} objects.", rows=rows)


def _run(rolling: RollingBack, away: Throwaway, major: int) -> None:
    theirs = away.target.observer.info.server_version // 10000
    if theirs != major:
        raise errors.CheckFailed(
            f"the clone is PostgreSQL {theirs} and this database {major}. Name its programs as `bindir`."
        )
    going = {migration.version for migration in rolling.order}
    for migration in rolling.plan.migrations:
        if migration.version in rolling.applied | going:
            outcome = apply.run(away.target, migration.script, reversal.forward_entry(migration))
            if outcome.failure:
                raise errors.CheckFailed(f"{migration.file} does not apply to a clone: {outcome.failure}.")
    away.target.look()
    for migration in rolling.order:
        step = reversal.backward(away.target, migration)
        if step.outcome.failure:
            raise errors.CheckFailed(
                f"{migration.path.name}: its rollback fails on a clone: {step.outcome.failure}."
            )
        rolling.expected[migration.version] = comparison.differences(step.delta)
