"""A project whose rollbacks a rehearsal has proven, and a database to which a run of ours has applied it."""

from __future__ import annotations

from pathlib import Path

from ops import apply, database, journal, migrations, project, reversal
from ops.target import Target
from tests import fix_command, projects

CONFIG = """\
[environments.production]
database = "file:{secret}"
{more}
"""


def write(root: Path, dsn: str, *, more: str = "") -> Path:
    """Write the sound project with its environment."""
    secret = root / "shop.dsn"
    secret.write_text(dsn, "utf-8")
    made = projects.sound(root / "shop")
    (made / "runbooks.toml").write_text(CONFIG.format(secret=secret, more=more), "utf-8")
    return made


def rehearse(root: Path) -> None:
    """Prove every rollback."""
    done = fix_command.run("rehearse", root)
    assert done.returncode == 0, done.stdout + done.stderr


def apply_all(root: Path, dsn: str, *, run: str = "promotion-1") -> None:
    """Apply every migration as a promotion does."""
    target = Target(dsn=dsn, observer_dsn=dsn, run=run, throw_away=False)
    with database.connect(dsn) as connection:
        journal.prepare(connection)
    for migration in migrations.find(project.load(root)):
        outcome = apply.run(target, migration.script, reversal.forward_entry(migration))
        assert outcome.ok, outcome.failure
