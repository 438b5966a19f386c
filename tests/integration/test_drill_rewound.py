"""What a restore takes back of our own records: each is listed as far as its copy outside has it."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from ops import (
    audit_store,
    bundle,
    database,
    deploys,
    drill,
    drill_log,
    drill_rewound,
    journal,
    soak_record,
    used_codes,
)
from ops.audit import Event, Log
from ops.drill import DrillChoices, Drilling
from ops.people import Person
from ops.promotion_result import FileResult, Promotion
from ops.recovery_target import RecoveryTarget
from ops.soak_record import Change, Look
from ops.verdict import Verdict
from ops.watch_sample import Counters
from tests.drills import Shop
from tests.fix_backups import living

AT = datetime(2020, 2, 29, 3, tzinfo=UTC)
WHERE = "production"
COUNTED = (
    *("commits", "rollbacks", "deadlocks", "conflicts", "temp_bytes", "sessions_fatal", "sessions_killed"),
    *("sessions_abandoned", "blks_read", "blks_hit"),
)
COUNTERS = Counters.model_validate({**dict.fromkeys(COUNTED, 0), "stats_reset": None, "started": AT})


def record(shop: Shop, name: str, step: int) -> None:
    """Leave one of each of our records in production, and their copies outside."""
    with database.connect(shop.live.dsn) as connection:
        log = Log(connection, "key", audit_store.Store.of(shop.root, WHERE))
        log.prepare()
        details = {"answer": name, "step": step}
        answer = Event("approved", WHERE, name, "promote", "digest", "olga", "totp", details=details)
        used_codes.use(
            Person(seed="JBSWY3DPEHPK3PXPJBSWY3DP", since=AT),
            step,
            f"{WHERE}/{name}/promote/digest/{name}",
            store=None,
            folder=audit_store.folder(shop.root),
        )
        log.append(answer)
        journal.prepare(connection)
        entry = journal.Entry(f"2026113000000{step}", name, f"{name}.sql", "hash", "apply", ("select 1",))
        journal.complete(connection, entry, run=name)
        promoted(shop.root, entry, "applied before" if name == "after" else "applied")
        deploys.prepare(connection)
        deploys.record_before(connection, WHERE, name, project="shop", commit=None, baseline={}, result={})
        deploys.write_mirror(connection, WHERE, name, root=shop.root)
        soak_record.prepare(connection)
        look = Look(at=AT, rules=(), new_records=None, counters=COUNTERS)
        change = Change(migrations_digest="a", overlays_digest="b", applied="c", commit=None)
        assert soak_record.begin(connection, WHERE, name, change, look, verdict="soaking", said="It soaks.")
        soaking = soak_record.read(connection, WHERE, name)
        assert soaking
        soak_record.write_mirror(shop.root, soaking)
        entry_of_drill = {"run": name, "ended": AT.isoformat(), "verdict": "passed"}
        drill_log.append(shop.root, WHERE, entry_of_drill)
        drill_log.record(connection, WHERE, entry_of_drill)


def promoted(
    root: Path,
    entry: journal.Entry,
    status: Literal["applied", "applied before", "rolled back"],
    *,
    at: datetime = AT,
) -> None:
    """Leave the evidence of a promotion."""
    result = Promotion(
        ok=True,
        summary="Promoted.",
        verdict=Verdict.PASSED,
        state="promoted",
        project="shop",
        environment=WHERE,
        started=AT,
        ended=at + timedelta(seconds=int(entry.version[-1])),
        files=(FileResult(file=entry.file, version=entry.version, status=status),),
    )
    kept = bundle.open_bundle(root, kind="promotion", started=AT)
    kept.write_json("promotion.json", result.published())
    kept.seal()


def rewound(shop: Shop) -> list[tuple[str, str]]:
    """Restore all that is archived, and list what that takes back."""
    plan = drill.plan(str(shop.root), WHERE, DrillChoices())
    drilling = Drilling(plan, "test")
    (backup,) = plan.source.holdings().backups
    with plan.source.restored(
        backup, RecoveryTarget(), within=timedelta(minutes=5), progress=lambda *_: None
    ) as restored:
        drilling.restored = restored
        found = drill_rewound.list_rewound(drilling)
    assert found.ok
    assert "no copy of the journal's single rows" in found.summary
    return [(each["record"], each["what"]) for each in found.rows]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Generator[Shop]:
    with living(timeout=3600, settings={"autovacuum": "off"}) as live:
        made = Shop.at(live, tmp_path_factory.mktemp("shop"))
        live.base_backup("b1")
        record(made, "before", 1)
        live.archive()
        yield made


def test_what_was_written_after_the_end_of_the_archive_is_listed_and_what_was_before_is_not(shop: Shop):
    assert rewound(shop) == []
    record(shop, "after", 2)
    with database.connect(shop.live.dsn) as connection:
        soaking = soak_record.read(connection, WHERE, "after")
    assert soaking
    listed = rewound(shop)
    assert listed == [
        ("audit log", "2: approved by olga"),
        ("used code", "for production/after/promote/digest/after"),
        ("journal", "after.sql was applied"),
        ("deploy", "after is not there"),
        ("soak", f"{soaking.id} is not there"),
        ("drill", "passed"),
    ]
    # Once it is archived, it comes back.
    shop.live.archive()
    assert rewound(shop) == []


def test_a_part_that_came_later_is_listed(shop: Shop):
    with database.connect(shop.live.dsn) as connection:
        deploys.record_result(connection, WHERE, "before", {"verdict": "passed"})
        deploys.write_mirror(connection, WHERE, "before", root=shop.root)
    assert rewound(shop) == [("deploy", "before is there without post")]


def test_of_a_migration_counts_what_was_done_last_and_what_the_journal_knows_better(shop: Shop):
    entry = journal.Entry("20261130000009", "twice", "twice.sql", "hash", "apply", ("select 1",))
    with database.connect(shop.live.dsn) as connection:
        journal.complete(connection, entry, run="elsewhere")
    shop.live.archive()
    promoted(shop.root, entry, "applied")
    assert [what for kind, what in rewound(shop) if kind == "journal"] == []
    # It was rolled back since, and that is not archived.
    promoted(shop.root, entry, "rolled back", at=datetime.now(UTC))
    assert [what for kind, what in rewound(shop) if kind == "journal"] == ["twice.sql was rolled back"]
