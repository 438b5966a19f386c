"""Random schemas of foreign keys: nothing of the subject remains, and nothing of others changes."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops import gdpr_erasure_steps, project
from ops.gdpr_erasure import Erasing, ErasurePlan
from tests import erasure_shapes, fix_erasure
from tests.erasure_shapes import Key, Line, Shape


def made(dsn: str, shape: Shape) -> None:
    with psycopg.connect(dsn) as connection:
        names = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        for (name,) in names:
            connection.execute(f"drop table public.{name} cascade".encode())
        for statement in shape.statements():
            connection.execute(statement.encode())


def read(dsn: str, shape: Shape) -> list[dict[Key, Line]]:
    found: list[dict[Key, Line]] = []
    with psycopg.connect(dsn) as connection:
        for table, width in enumerate(shape.widths):
            lines: dict[Key, Line] = {}
            for row in connection.execute(f"select * from public.t{table}".encode()):
                line, rest = Line(row[:width], name=row[-1]), row[width:-1]
                for edge in shape.of(table):
                    target, rest = rest[: edge.width], rest[edge.width :]
                    line.refers[edge.number] = None if None in target else target
                lines[line.key] = line
            found.append(lines)
    return found


@pytest.fixture
def operated(shaped: str, tmp_path: Path) -> project.Project:
    return project.load(fix_erasure.write(tmp_path, shaped))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(st.data())
def test_nothing_of_the_subject_remains_and_nothing_of_others_changes(
    shaped: str, operated: project.Project, data: st.DataObject
):
    shape = data.draw(erasure_shapes.shapes())
    made(shaped, shape)
    before = read(shaped, shape)
    assert before == shape.lines
    where = operated.environment("production")
    plan = ErasurePlan(
        ok=True,
        summary="",
        project=operated.model_copy(update={"erasure": shape.erasure}),
        environment=where,
        subject="a-hash",
        reference="env:UNUSED",
        out=operated.root,
    )

    def erasing() -> Erasing:
        made = Erasing(plan, shaped, "1")
        made.as_run(str(uuid4()))
        gdpr_erasure_steps.find(made)
        return made

    first = erasing()
    assert read(shaped, shape) == before
    if first.due:
        gdpr_erasure_steps.erase(first)
    assert read(shaped, shape) == shape.expected
    assert gdpr_erasure_steps.verify(first).ok
    again = erasing()
    assert not again.due
    assert all(line.name != erasure_shapes.SECRET for lines in read(shaped, shape) for line in lines.values())
