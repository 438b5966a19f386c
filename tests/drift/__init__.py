"""Kinds of change that a schema can go through, each of which a comparison must see."""

from tests.drift import (
    access,
    columns,
    constraints,
    functions,
    indexes,
    operators,
    outside,
    sayings,
    tables,
    triggers,
    types,
    views,
)

# Each group has a small database of its own, since what is asked about a whole one costs what it holds.
GROUPS = {
    module.__name__.rpartition(".")[2]: module.KINDS
    for module in (
        tables,
        columns,
        constraints,
        indexes,
        views,
        functions,
        triggers,
        types,
        access,
        sayings,
        operators,
        outside,
    )
}
