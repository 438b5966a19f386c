"""A real backup and its real WAL: whole, then broken in each way, found and named, mended, and whole again."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops import physical_holdings, physical_verify
from ops.backups import Problem
from ops.wal_segments import Place
from tests import fix_archiving
from tests.fix_archiving import Archiving, flip

INDEX = "create index if not exists things_body on public.things (body)"


@pytest.fixture(scope="module")
def cluster() -> Generator[Archiving]:
    with fix_archiving.archiving() as archiving:
        archiving.write(2000)
        archiving.run(INDEX)
        archiving.fill(1)
        archiving.backup("nightly")
        archiving.fill(4)
        yield archiving


@contextmanager
def broken(cluster: Archiving, path: Path, how: Callable[[Path], object]) -> Generator[None]:
    """Break a file; afterwards it is as it was, and nothing is found."""
    kept = path.read_bytes() if path.exists() else None
    how(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        if kept is not None:
            path.write_bytes(kept)
    assert found(cluster) == ()


def found(cluster: Archiving, *, reaches: Place | None = None) -> tuple[Problem, ...]:
    (backup,) = physical_holdings.holdings(cluster.settings).backups
    told: list[tuple[int, int]] = []
    problems = physical_verify.problems(
        cluster.settings, backup, lambda done, of, _: told.append((done, of)), reaches=reaches
    )
    assert all(done <= of for done, of in told)
    return problems


def relation(cluster: Archiving, name: str) -> Path:
    ((path,),) = cluster.run(f"select pg_relation_filepath('public.{name}')")
    return cluster.settings.base / "nightly" / str(path)


def segment(cluster: Archiving, index: int) -> Path:
    """One of those that the backup needs, from old to new."""
    label = next(path.name[:24] for path in cluster.settings.wal.iterdir() if path.suffix == ".backup")
    needed = sorted(p for p in cluster.settings.wal.iterdir() if len(p.name) == 24 and p.name >= label)
    return needed[index]


def cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def edit(path: Path) -> None:
    text = path.read_text("utf-8")
    path.write_text(text.replace('"Size": 3,', '"Size": 4,', 1), "utf-8")


BREAKS: dict[str, tuple[Callable[[Archiving], Path], Callable[[Path], object], str]] = {
    "a flipped byte in a heap file": (lambda c: relation(c, "things"), lambda p: flip(p, 9000), "file-changed"),
    "a flipped byte in an index": (lambda c: relation(c, "things_body"), lambda p: flip(p, 9000), "file-changed"),
    "a truncated file": (lambda c: relation(c, "things"), cut, "file-size"),
    "a missing file": (lambda c: relation(c, "things_pkey"), Path.unlink, "file-missing"),
    "a file too many": (lambda c: c.settings.base / "nightly" / "extra",
                        lambda p: p.write_text("x"), "file-extra"),
    "an edited manifest": (lambda c: c.settings.base / "nightly" / "backup_manifest", edit, "manifest-edited"),
    "a flipped byte in a WAL segment": (lambda c: segment(c, 2), lambda p: flip(p, 9000), "wal-damaged"),
    "a flipped byte in its first page": (lambda c: segment(c, 2), lambda p: flip(p, 26), "wal-damaged"),
    "a flipped byte in the size it says": (lambda c: segment(c, 0), lambda p: flip(p, 34), "wal-damaged"),
    "a flipped byte after a switch": (lambda c: segment(c, 2), lambda p: flip(p, 2**20 - 5000), "wal-damaged"),
    "a truncated WAL segment": (lambda c: segment(c, 2), cut, "wal-damaged"),
    "a missing WAL segment in the middle": (lambda c: segment(c, 2), Path.unlink, "wal-gap"),
    "the first WAL segment missing": (lambda c: segment(c, 0), Path.unlink, "wal-gap"),
}  # fmt: skip


def test_a_good_backup_passes_again_and_again(cluster: Archiving):
    assert [found(cluster) for _ in range(20)] == [()] * 20


@pytest.mark.parametrize("named", BREAKS)
def test_what_is_broken_is_found_and_named(cluster: Archiving, named: str):
    where, how, kind = BREAKS[named]
    path = where(cluster)
    with broken(cluster, path, how):
        (problem,) = found(cluster)
    assert problem.kind == kind
    assert str(path if kind != "manifest-edited" else path.parent).endswith(problem.object)
    assert problem.todo
    assert problem.blocks is (kind != "file-extra")


def test_a_missing_last_segment_is_found_by_what_the_server_has_archived(cluster: Archiving):
    reaches = Place(1, physical_holdings.holdings(cluster.settings).end_lsn or 0)
    with broken(cluster, segment(cluster, -1), Path.unlink):
        assert found(cluster) == ()
        (problem,) = found(cluster, reaches=reaches)
    assert problem.kind == "wal-gap"


def test_each_damaged_segment_is_named(cluster: Archiving):
    first, second = segment(cluster, 1), segment(cluster, 3)
    kept = second.read_bytes()
    with broken(cluster, first, lambda p: flip(p, 9000)):
        flip(second, 9000)
        problems = found(cluster)
        second.write_bytes(kept)
    assert [problem.object for problem in problems] == [first.name, second.name]


def test_a_segment_of_another_cluster_is_recognised(cluster: Archiving):
    with broken(cluster, segment(cluster, 2), lambda p: flip(p, 24)):
        (problem,) = found(cluster)
    assert "is of another cluster" in problem.said


def test_programs_of_another_version_do_not_read_it(cluster: Archiving):
    other = cluster.settings.model_copy(update={"bindir": fix_archiving.DEBIAN_15})
    (backup,) = physical_holdings.holdings(other).backups
    (problem,) = physical_verify.problems(other, backup, lambda *_: None)
    assert (problem.kind, problem.blocks) == ("wrong-programs", True)
