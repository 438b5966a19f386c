"""The documentation of a schema, in Markdown with its ER diagram, regenerated from the live database.

Source: supabase-operations.md, "Post-Deployment".
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from ops import database, er_diagram, schema_shape, secrets, triage
from ops import markdown as md
from ops.evidence import Evidence
from ops.schema_shape import Column, Part, Relation

MARKDOWN, DIAGRAM = "schema.md", "schema.mmd"
_LONGEST = 400


class SchemaDocument(Evidence):
    """The documentation; `diagrams` are texts of Mermaid, and more than one where one would be too large to draw."""

    markdown: str
    diagrams: tuple[str, ...]


def regenerate(connection: database.Connection, *, title: str) -> SchemaDocument:
    """Document the project's own schemas as they are now; the same schema gives the same texts.

    Raises:
        Unavailable: the connection is lost.
    """
    found = schema_shape.read(connection)
    diagrams = er_diagram.draw(found)
    tables = sum(relation.is_table for relation in found)
    keys = sum(len(relation.foreign_keys) for relation in found)
    return SchemaDocument(
        ok=True,
        summary=f"The schema of {title} is documented: {triage.counted(tables, 'table')}, "
        f"{triage.counted(len(found) - tables, 'view')} and {triage.counted(keys, 'foreign key')}.",
        rows=tuple(_row(relation) for relation in found),
        markdown=markdown(found, diagrams, title=title),
        diagrams=diagrams,
    )


def markdown(found: tuple[Relation, ...], diagrams: tuple[str, ...], *, title: str) -> str:
    """Return the documentation: schema by schema, table by table, and the diagrams."""
    lines = [f"# The schema of {md.escaped(title)}", ""]
    for schema, relations in itertools.groupby(found, key=lambda relation: relation.schema):
        lines += [f"## Schema {md.escaped(schema)}", ""]
        for relation in relations:
            lines += _relation(relation)
    if not found:
        lines += ["There is no table and no view yet.", ""]
    lines += ["## Diagram", ""] if diagrams else []
    for diagram in diagrams:
        lines += [*md.fenced("mermaid", diagram), ""]
    return secrets.redact("\n".join(lines))


def _relation(relation: Relation) -> Iterator[str]:
    yield from (f"### {md.escaped(str(relation))}", "")
    facts = [relation.kind]
    if relation.is_table:
        facts.append(f"row level security {'on' if relation.secured else 'off'}")
    if relation.partitions:
        facts.append(f"{relation.partitions} partitions")
    yield from (f"{', '.join(facts).capitalize()}.", "")
    if relation.comment:
        yield from (md.escaped(relation.comment), "")
    if relation.columns:
        yield from md.table(
            ("column", "type", "null", "default", "comment"), [_column(each) for each in relation.columns]
        )
    for name, parts in (
        ("Keys and checks", relation.constraints),
        ("Indexes", relation.indexes),
        ("Policies", relation.policies),
    ):
        yield from _parts(name, parts)


def _column(column: Column) -> tuple[str, ...]:
    nullable = "yes" if column.nullable else "no"
    return (column.name, column.type, nullable, _short(column.filled), column.comment or "")


def _parts(title: str, parts: list[Part]) -> Iterator[str]:
    if parts:
        yield from (f"**{title}**", "")
        for part in parts:
            remark = f" ({md.escaped(part.comment)})" if part.comment else ""
            yield f"- {md.escaped(part.name)}: {md.escaped(_short(part.definition))}{remark}"
        yield ""


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _row(relation: Relation) -> dict[str, object]:
    return {
        "relation": str(relation),
        "kind": relation.kind,
        "columns": len(relation.columns),
        "constraints": len(relation.constraints),
        "indexes": len(relation.indexes),
        "policies": len(relation.policies),
    }
