"""The restore of a production of our own, by its own backup, to a second server that takes over."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from ops import errors
from ops.recovery_target import RecoveryTarget, TargetKind
from tests import fix_app, fix_pause, fix_restored
from tests.fix_backups import Live

CONFIG = """\
[environments.production.backups]
physical = {{ base = "{base}", wal = "{wal}", bindir = "{bindir}" }}
drill = {{ fsync = false, tables = ["public.notes"] }}
"""


def untold(done: int, of: int, what: str) -> None:
    """Tell nobody how far it is."""


@pytest.fixture
def project(tmp_path: Path, live: Live) -> Path:
    fix_app.execute(live.dsn, fix_pause.TABLES)
    settings = live.settings
    more = CONFIG.format(base=settings.base, wal=settings.wal, bindir=settings.bindir)
    return fix_pause.write(tmp_path, live.dsn, more=more)


def test_what_the_backup_brings_is_seen_first_and_the_new_server_is_known(
    project: Path, live: Live, monkeypatch: pytest.MonkeyPatch
):
    live.base_backup("base-1")
    live.ask("insert into public.notes (body) values ('the last good one')")
    target = live.now()
    live.ask("delete from public.notes")
    live.archive()
    asked = fix_restored.answering(monkeypatch, ("approve", "ada", ""), ("reject", "ada", "a moment"))
    with pytest.raises(errors.Denied, match="Writes are still paused"):
        fix_restored.run(project, target, way="backup")
    assert "Restore by your own backup" in asked[3]
    offered = fix_pause.site(project, live.dsn).read().open[-1]
    assert (offered.event, offered.details["rows"]) == ("offer", {"public.notes": 6})

    fix_restored.answering(monkeypatch, ("approve", "ada", fix_restored.note()))
    with pytest.raises(errors.CheckFailed, match="was not restored to before it"):
        fix_restored.run(project, target, way="backup")

    (backup,) = live.source.holdings().backups
    point = RecoveryTarget(kind=TargetKind.TIME, value=target.isoformat())
    within = timedelta(minutes=5)
    with live.source.restored(backup, point, within=within, progress=untold) as server:
        server.promote()
        # As those log in who take it over: a drill's own sessions are read-only whatever is set.
        dsn = server.place.dsn(server.name, server.user)
        (project.parent / "shop.dsn").write_text(dsn, "utf-8")
        fix_restored.answering(monkeypatch, ("approve", "grace", "it is there"))
        with pytest.raises(errors.CheckFailed, match="new sessions are read-only by a setting of the server"):
            fix_restored.run(project, target, way="backup")
        with psycopg.connect(dsn, autocommit=True) as operator:
            operator.execute("set default_transaction_read_only = off")
            operator.execute("alter database postgres set default_transaction_read_only = off")
        fix_restored.answering(monkeypatch)
        found = fix_restored.run(project, target, way="backup")
        assert found.state == "enabled"
        looks = {row["what"]: row["ok"] for row in found.verified}
        assert looks["server"] is True, "the same cluster"
        assert looks["timeline"] is True, "on a newer timeline"
        assert fix_app.ask(dsn, "select count(*) from public.notes") == [(6,)]
        assert found.loss
        assert found.loss.known_by == "the last commit of our own backup, restored aside"
        assert found.loss.seconds
        assert found.loss.seconds > 0
