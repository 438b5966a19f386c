"""A drill to a point in time: which backup it starts from, where it stops, and how much it says was lost."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from ops import errors, recovery_target
from ops.recovery_target import RecoveryTarget, TargetKind
from tests.drills import Shop, kinds
from tests.fix_backups import living

ORDER = "insert into public.orders (customer_id, total) values (1, 1) returning pg_current_xact_id()::xid"


@dataclass(frozen=True)
class Written:
    """A production with two backups, and what lies between them and behind the second one."""

    shop: Shop
    beaten: datetime
    lsn: str
    point: datetime
    at: datetime
    next: datetime
    last: datetime

    def since_beat(self) -> float:
        return (self.point - self.beaten).total_seconds()


def committed(shop: Shop) -> datetime:
    """Commit an order; return when that was."""
    ((xid,),) = shop.live.ask(ORDER)
    ((at,),) = shop.live.ask(f"select pg_xact_commit_timestamp('{xid}')")
    assert isinstance(at, datetime)
    return at.astimezone(UTC)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Generator[Written]:
    with living(timeout=3600, settings={"autovacuum": "off"}) as live:
        shop = Shop.at(live, tmp_path_factory.mktemp("shop"))
        shop.back_up("b1")
        beaten = live.now()
        shop.beat()
        committed(shop)
        ((lsn,),) = live.ask("select pg_current_wal_insert_lsn()")
        live.ask("select pg_create_restore_point('between')")
        point = live.now()
        committed(shop)
        live.archive()
        shop.back_up("b2")
        committed(shop)
        at = live.now()
        following, last = committed(shop), committed(shop)
        live.archive()
        shop.alone()
        yield Written(shop, beaten, str(lsn), point, at, following, last)


def test_a_restore_point_between_two_backups_is_reached_from_the_older_one(written: Written):
    found = written.shop.drill(target="name:between")
    assert (found.verdict, found.backup, kinds(found)) == ("passed", "b1", set()), found.problems
    assert found.rpo is not None
    assert 0 < found.rpo <= written.since_beat()


def test_the_loss_at_an_lsn_is_of_its_own_time(written: Written):
    found = written.shop.drill(target=f"lsn:{written.lsn}")
    assert (found.verdict, found.backup, kinds(found)) == ("passed", "b1", set()), found.problems
    assert found.rpo == 0


def test_a_time_after_the_last_commit_loses_what_lies_between(written: Written):
    asked = written.last + timedelta(seconds=37, microseconds=250_000)
    written.shop.set(rpo="37 s")
    found = written.shop.drill(target=asked.isoformat())
    assert kinds(found) == {"rpo-missed"}, found.problems
    assert found.rpo == pytest.approx(37.25, abs=0.001)
    assert written.shop.log()[-1]["rpo"] == found.rpo
    written.shop.set(rpo="38 s")
    assert written.shop.drill(target=asked.isoformat()).verdict == "passed"


def test_a_restore_point_that_is_not_there_is_refused_with_those_that_are(written: Written):
    with pytest.raises(errors.Refused, match=r"no restore point 'betwen'.*there are between"):
        written.shop.drill(target="name:betwen")
    with pytest.raises(errors.Refused, match="There is no restore point 'between'"):
        written.shop.drill(target="name:between", backup="b2")


def test_the_next_commit_is_that_which_was_not_recovered(written: Written):
    source = written.shop.live.source
    target = RecoveryTarget(kind=TargetKind.TIME, value=written.at.isoformat())
    backup = source.holdings().backups[-1]
    with source.restored(backup, target, within=timedelta(minutes=5), progress=lambda *_: None) as restored:
        following = restored.next_commit()
    assert following
    assert following.at == written.next


def test_a_recovery_that_stops_too_early_or_goes_on_too_far_is_named(
    written: Written, monkeypatch: pytest.MonkeyPatch
):
    whole = RecoveryTarget.settings.fget
    assert whole

    def off(by: timedelta) -> property:
        def settings(target: RecoveryTarget) -> dict[str, str]:
            said = whole(target)
            return said | {k: (written.at + by).isoformat() for k in said if k == "recovery_target_time"}

        return property(settings)

    later = written.next - written.at
    monkeypatch.setattr(RecoveryTarget, "settings", off(later))
    assert kinds(written.shop.drill(target=written.at.isoformat())) == {"target-passed"}
    monkeypatch.undo()
    monkeypatch.setattr(RecoveryTarget, "settings", off(timedelta(0)))
    assert kinds(written.shop.drill(target=written.next.isoformat())) == {"target-missed"}


@pytest.mark.parametrize(
    ("target", "by", "named"),
    [
        ("lsn:{lsn}", 4096, "target-passed"),
        ("lsn:{lsn}", -300, "target-missed"),
        ("name:between", -300, "target-missed"),
    ],
    ids=["beyond an LSN", "before an LSN", "before a restore point"],
)
def test_a_recovery_that_stops_at_another_place_is_named(
    written: Written, monkeypatch: pytest.MonkeyPatch, target: str, by: int, named: str
):
    """Nobody but the drill itself asks where it stopped: the backup is good, and so is the WAL."""
    whole = RecoveryTarget.settings.fget
    assert whole
    place = recovery_target.written(recovery_target.lsn(written.lsn) + by)
    asked = recovery_target.read(target.format(lsn=written.lsn))

    def settings(of: RecoveryTarget) -> dict[str, str]:
        said = whole(of)
        if of == asked:
            said = {k: v for k, v in said.items() if k not in ("recovery_target_lsn", "recovery_target_name")}
            said |= {"recovery_target_lsn": place, "recovery_target_inclusive": "off"}
        return said

    monkeypatch.setattr(RecoveryTarget, "settings", property(settings))
    found = written.shop.drill(target=target.format(lsn=written.lsn))
    assert kinds(found) == {named}, found.problems
