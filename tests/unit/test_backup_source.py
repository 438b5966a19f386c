"""Which class an environment's table of backups stands for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ops import backup_source, errors
from ops.backup_settings import Backups
from ops.project import Environment, Project

PROJECT = Project(root=Path("/nowhere"), name="app", configured=True)


def environment(**backups: Any) -> Environment:
    return Environment(name="production", backups=Backups.model_validate(backups))


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        ("physical", {"base": "/base", "wal": "/wal"}),
        ("pgbackrest", {"stanza": "main"}),
        ("logical", {"folder": "/dumps"}),
        ("api", {"ref": "abcdefghijklmnopqrst", "token": "env:TOKEN"}),
    ],
)
def test_each_table_has_its_source(kind: str, table: dict[str, Any]):
    assert backup_source.source(PROJECT, environment(**{kind: table})).kind == kind


def test_what_has_none_is_refused():
    with pytest.raises(errors.Refused, match=r"\[environments\.production\.backups\]"):
        backup_source.source(PROJECT, Environment(name="production"))
