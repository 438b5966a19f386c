"""`runbooks rehearse` against a guarded database: refused by name, and nothing is written there."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg import conninfo

from ops import embedded, guarded
from tests import fix_command, projects, unchanged

CONFIG = """\
[project]
contract = []

[environments.production]
database = "env:PRODUCTION_URL"
guarded = true

[environments.staging]
place = "in-place"
database = "env:STAGING_URL"
rehearse = true
"""
OTHER_ROAD = "This DSN leads to the database of the environment 'production', which is guarded"
ROADS = {
    "by its name": (("--environment", "production"), "The environment 'production' is guarded"),
    "by its DSN": (("--database", "env:PRODUCTION_URL"), OTHER_ROAD),
    "by another DSN": (("--database", "env:STAGING_URL"), OTHER_ROAD),
    "by another name": (("--environment", "staging"), OTHER_ROAD),
    "by both": (("--environment", "production", "--database", "env:STAGING_URL"), "'production'"),
}


@pytest.mark.parametrize("road", ROADS)
def test_it_is_refused_by_name_and_nothing_is_written_there(
    tmp_path: Path, shaped: str, shaped_admin: str, server: embedded.Server, road: str
) -> None:
    words, said = ROADS[road]
    project = projects.sound(tmp_path / "shop")
    projects.write(project, migrations={}, config=CONFIG)
    (tmp_path / "road").symlink_to(server.host)
    staging = conninfo.make_conninfo(shaped, host=str(tmp_path / "road"))
    assert not guarded.places(staging) & guarded.places(shaped)
    before = unchanged.seen(shaped_admin)
    done = fix_command.run(
        "rehearse",
        project,
        *words,
        "--out",
        tmp_path / "out",
        PRODUCTION_URL=shaped,
        STAGING_URL=staging,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in " ".join((done.stdout + done.stderr).split())
    assert unchanged.seen(shaped_admin) == before
