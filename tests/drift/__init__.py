"""Kinds of change that a schema can go through, each of which a comparison must see."""

from tests.drift import access, code, columns, constraints, indexes, operators, outside, tables, types, views

KINDS = (
    *tables.KINDS,
    *columns.KINDS,
    *constraints.KINDS,
    *indexes.KINDS,
    *views.KINDS,
    *code.KINDS,
    *types.KINDS,
    *access.KINDS,
    *operators.KINDS,
    *outside.KINDS,
)
