"""How a file's statements group into transactions, and which of its own transactions cannot work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from ops.nature import Nature

_CONTROL = {Nature.BEGIN, Nature.COMMIT, Nature.COMMIT_AND_CHAIN, Nature.ROLLBACK, Nature.PREPARE}
_OUTSIDE = {Nature.ALONE, Nature.ENDS_ITSELF}


@dataclass(frozen=True, slots=True)
class Group:
    """Indexes of statements that commit together, or of the one that must run outside a transaction."""

    statements: tuple[int, ...]
    transactional: bool = True


@dataclass(slots=True)
class Plan:
    """The groups in order, and by index what is wrong or odd in the file's own transaction control.

    `open` is the BEGIN that nothing ends; `thrown_away` a ROLLBACK; `trapped` pairs a statement that must run
    outside with the BEGIN it stands after; `nested` are BEGINs inside a transaction; `stray` COMMITs outside.
    """

    groups: list[Group] = field(default_factory=list[Group])
    open: int | None = None
    thrown_away: list[int] = field(default_factory=list[int])
    prepared: list[int] = field(default_factory=list[int])
    trapped: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    nested: list[int] = field(default_factory=list[int])
    stray: list[int] = field(default_factory=list[int])

    @property
    def transactional(self) -> bool:
        return len(self.groups) <= 1 and all(group.transactional for group in self.groups)


def plan(natures: Sequence[Nature], *, breaks: frozenset[int] = frozenset()) -> Plan:
    """Group statements by their natures; a transaction also ends after each index in `breaks`."""
    result = Plan()
    singly = any(nature in _OUTSIDE for nature in natures)
    held: list[int] = []

    def close() -> None:
        if held:
            result.groups.append(Group(tuple(held)))
            held.clear()

    for index, nature in zip(count(), natures, strict=False):
        if nature in _CONTROL:
            if _control(result, nature, index):
                close()
        elif nature in _OUTSIDE and result.open is None:
            close()
            result.groups.append(Group((index,), transactional=False))
        else:
            if nature in _OUTSIDE and result.open is not None:
                result.trapped.append((index, result.open))
            held.append(index)
            if index in breaks or (singly and result.open is None):
                close()
    close()
    return result


def _control(plan: Plan, nature: Nature, index: int) -> bool:
    """Note what the statement does and say whether it is a border between two transactions."""
    if nature is Nature.BEGIN:
        if plan.open is not None:
            plan.nested.append(index)
            return False
        plan.open = index
        return True
    if nature is Nature.ROLLBACK:
        plan.thrown_away.append(index)
    elif nature is Nature.PREPARE:
        plan.prepared.append(index)
    elif plan.open is None:
        plan.stray.append(index)
    plan.open = index if nature is Nature.COMMIT_AND_CHAIN else None
    return True
