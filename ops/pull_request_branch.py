"""What a branch does to the migrations of its base: a version that the base has is what it is there, for good."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ops import history, migrations, pull_request_base
from ops.migrations import Migration
from ops.project import Project
from ops.pull_request_base import Base, State
from ops.pull_request_result import Change


@dataclass(frozen=True, slots=True)
class Branch:
    """The base's migrations as they are there, those that the branch adds, and what it changes.

    `late` are the versions of the base's migrations whose rollback script is new or another one; it comes
    with them, so that it can be rehearsed.
    """

    based: tuple[Migration, ...]
    added: tuple[Migration, ...]
    late: frozenset[str]
    changes: tuple[Change, ...]


def compare(project: Project, base: Base, *, out_of_order: bool) -> Branch:
    """Compare the migrations of the working tree with the base's.

    Raises:
        Refused: git cannot read its own objects.
    """
    here = migrations.read(project)
    left, then = ({m.version: m for m in state.migrations} for state in (base.left, base.now))
    known = {**left, **then}
    now = _by_version(here, known)
    untouched, current = (_same(project.root, state, now) for state in (base.left, base.now))
    based = tuple(_now(m, now[m.version]) if m.version in current else m for m in base.now.migrations)
    added = tuple(m for m in here if m.version not in known)
    twins = [
        m for m in here if _is_twin(m, now, known) or (m.version not in left and _takes(m, then, current))
    ]
    late = frozenset(_late(project.root, base, [m for m in based if m.version in current]))
    # What the base itself has changed or taken away since is no change of the branch.
    same = untouched | current | (left.keys() - then.keys() - now.keys())
    gone = [m for m in base.left.migrations if m.version not in same]
    changes = (
        *(_changed(old, now.get(old.version), added) for old in gone),
        *(_twin(new, known[new.version]) for new in twins),
        *_out_of_order(added, base.now.migrations, allowed=out_of_order),
        *_added(added, gone),
        *_gained([m for m in base.now.migrations if m.version not in left]),
        *_rollbacks([m for m in based if m.version in late]),
        *_configuration(project.root, base),
    )
    return Branch(tuple(_without_rollback(m, late) for m in based), added, late, changes)


def _is_twin(new: Migration, now: Mapping[str, Migration], known: Mapping[str, Migration]) -> bool:
    return new.version in known and new is not now[new.version]


def _takes(new: Migration, then: Mapping[str, Migration], current: frozenset[str]) -> bool:
    """Whether a file has a version that the base has given to another one since the branch left it."""
    return new.version in then and new.version not in current


def ordered(branch: Branch) -> tuple[Migration, ...]:
    """Return the base's and the branch's migrations in the order in which they are applied."""
    return tuple(sorted((*branch.based, *branch.added), key=lambda each: migrations.in_order(each.path)))


def _by_version(here: Sequence[Migration], then: Mapping[str, Migration]) -> dict[str, Migration]:
    """Return what has each version, of two files the one that the base has."""
    found: dict[str, Migration] = {}
    for migration in here:
        old = then.get(migration.version)
        if migration.version not in found or (old and old.name == migration.name):
            found[migration.version] = migration
    return found


def _now(old: Migration, new: Migration) -> Migration:
    # What is wrong with it only beside the branch's other files is said of those.
    return replace(new, problem=old.problem)


def _twin(new: Migration, old: Migration) -> Change:
    whose = f"the version of {old.file}, which" if old.name != new.name else "a version that"
    return Change(
        kind="out-of-order",
        file=new.file,
        said=f"has {whose} is on the base with another content, so that it would never be applied. "
        "Give it another version.",
        fails=True,
    )


def _same(root: Path, then: State, now: Mapping[str, Migration]) -> frozenset[str]:
    """Return the versions that are in both under one name and with one content, as git counts it."""
    pairs = [(old, now[old.version]) for old in then.migrations if old.version in now]
    named = [(old, new) for old, new in pairs if old.name == new.name]
    # Git may write other line ends into the working tree than it keeps.
    unsure = [new.file for old, new in named if old.sha256 != new.sha256 and new.path.is_file()]
    hashes = pull_request_base.hashed(root, unsure) if unsure else {}
    return frozenset(
        old.version
        for old, new in named
        if old.sha256 == new.sha256 or hashes.get(new.file, "") == then.ids.get(old.file)
    )


def _changed(old: Migration, new: Migration | None, added: Sequence[Migration]) -> Change:
    if new is None:
        twin = next((m for m in added if m.sha256 == old.sha256), None)
        return _renamed(old, twin) if twin else _deleted(old)
    if new.sha256 == old.sha256:
        return _renamed(old, new)
    how = (
        "only in white space or comments"
        if history.same_statements(new.script.text, (old.script.text,))
        else "in what it does"
    )
    return Change(
        kind="edited",
        file=new.file,
        line=_first_difference(old.script.text, new.script.text),
        said=f"is on the base already and is edited here, {how}: whoever has applied it will not apply it again. "
        "Restore it, and put the change into a new migration.",
        fails=True,
    )


def _renamed(old: Migration, new: Migration) -> Change:
    return Change(
        kind="renamed",
        file=new.file,
        said=f"is {old.file} of the base under another name, and a database that has the one would be given "
        "the other as well, or miss it. Give it its old name back.",
        fails=True,
    )


def _deleted(old: Migration) -> Change:
    return Change(
        kind="deleted",
        file=old.file,
        said="is on the base and is gone here, though databases have applied it. Restore it, and undo what it did "
        "in a new migration.",
        fails=True,
    )


def _out_of_order(
    added: Sequence[Migration], based: Sequence[Migration], *, allowed: bool
) -> Iterator[Change]:
    highest = max((m.version for m in based), default="")
    for migration in added:
        if migration.version < highest:
            rule = "The environment allows it." if allowed else f"Give it a version above {highest}."
            yield Change(
                kind="out-of-order",
                file=migration.file,
                said=f"comes before {highest}, which is on the base already, so that databases will not have run "
                f"the files in their order. {rule}",
                fails=not allowed,
            )


def _added(added: Sequence[Migration], gone: Sequence[Migration]) -> Iterator[Change]:
    moved = {old.sha256 for old in gone}
    for migration in added:
        if migration.sha256 not in moved:
            script = migration.rollback.file if migration.rollback else None
            said = f"with the rollback script {script}" if script else "without a rollback script"
            yield Change(kind="added", file=migration.file, said=f"is new, {said}.", fails=False)


def _gained(gained: Sequence[Migration]) -> Iterator[Change]:
    for migration in gained:
        yield Change(
            kind="gained",
            file=migration.file,
            said="is on the base since the branch left it, so it is applied before what the branch adds.",
            fails=False,
        )


def _late(root: Path, base: Base, same: Sequence[Migration]) -> Iterator[str]:
    """Yield the versions whose rollback script is not on the base, or is another one there."""
    left, now = (frozenset(_rewritten(root, state.commit, same)) for state in (base.left, base.now))
    yield from left & now


def _rewritten(root: Path, commit: str, same: Sequence[Migration]) -> Iterator[str]:
    scripts = {m.version: m.rollback.file for m in same if m.rollback and m.rollback.file != m.file}
    if not scripts:
        return
    then = pull_request_base.named(root, commit, scripts.values())
    known = {file for file in scripts.values() if file in then}
    now = pull_request_base.hashed(root, sorted(known))
    yield from (version for version, file in scripts.items() if file not in known or now[file] != then[file])


def _rollbacks(late: Sequence[Migration]) -> Iterator[Change]:
    for migration in late:
        if migration.rollback:
            yield Change(
                kind="rollback",
                file=migration.rollback.file,
                said=f"is a new rollback script of {migration.file}, which is on the base; it is rehearsed.",
                fails=False,
            )


def _configuration(root: Path, base: Base) -> Iterator[Change]:
    """Yield what says how a branch is judged, where the branch changes that."""
    present = [name for name in pull_request_base.CONFIGURATION if (root / name).is_file()]
    now = pull_request_base.hashed(root, present)
    for name in pull_request_base.CONFIGURATION:
        if now.get(name) not in (base.left.ids.get(name), base.now.ids.get(name)):
            yield Change(
                kind="configuration",
                file=name,
                said="is changed by the branch, and the branch is judged by what it says now. Read the change.",
                fails=False,
            )


def _without_rollback(migration: Migration, late: frozenset[str]) -> Migration:
    return migration if migration.version in late else replace(migration, rollback=None)


def _first_difference(old: str, new: str) -> int:
    before, after = old.splitlines(), new.splitlines()
    shared = (
        number for number, (left, right) in enumerate(zip(before, after, strict=False), 1) if left != right
    )
    return next(shared, min(len(before), len(after)) + 1)
