"""The samples of the smoke's rows in `runbooks.toml`, checked before anything is written."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from ops import database, errors, sample_rows, toml_places, written_tables
from ops.project import CONFIG_NAME
from ops.sample_rows import Samples


def check(connection: database.Connection, root: Path, samples: Samples) -> None:
    """See that there is each table and column that a sample is given for.

    Raises:
        Refused: there is not; the message has the line and the nearest.
    """
    for name, given in samples.items():
        tables = written_tables.named(connection, name)
        if not tables:
            known = written_tables.names(connection)
            raise errors.Refused(
                f"{place(root, 'samples', name)}: there is no table {name!r} in this database, so the smoke wrote "
                f"nothing.{_nearest(name, known)}"
            )
        columns = {column for table in tables for column in sample_rows.columns(connection, table)}
        for column in given:
            if column not in columns:
                raise errors.Refused(
                    f"{place(root, 'samples', name, column)}: {tables[0]} has no column {column!r}, so the smoke wrote "
                    f"nothing.{_nearest(column, columns)}"
                )


def place(root: Path, *keys: str) -> str:
    """Return where a key of `[deploy]` stands: file, line and the key."""
    path = root / CONFIG_NAME
    text = path.read_text("utf-8-sig") if path.is_file() else ""
    return f"{toml_places.told(CONFIG_NAME, text, ('deploy', *keys))}: {'.'.join(('deploy', *keys))}"


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f" The nearest is {near[0]!r}." if near else ""
