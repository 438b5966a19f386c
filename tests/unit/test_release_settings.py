"""Mistakes in the tables of a release: each names its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import errors, project, release_gates
from tests import projects

GATE = '[[release.gates]]\nname = "g"\n'
PROMOTION = "[environments.production.promotion]\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'{GATE}equals = 1\nquery = "select 1"\nfile = "a.sql"\n', "'g' names both query and file"),
        (f"{GATE}equals = 1\n", "'g' names neither query nor file"),
        (f'{GATE}equals = 1\nquery = " "\n', "query.*it is empty"),
        (f'{GATE}query = "select 1"\n', "'g' expects nothing"),
        (f'{GATE}query = "select 1"\nequals = []\n', "say empty = true"),
        (f'{GATE}query = "select 1"\nempty = true\nnot_null = true\n', "says empty and expects rows"),
        (f'{GATE}file = "../a.sql"\nempty = true\n', "stays below it"),
        (f'{GATE}query = "select 1"\nempty = true\n' * 2, "two gates are called 'g'"),
        (f'{GATE}query = "select 1"\nequal = 1\n', "equal.*'equals'"),
        (f'{PROMOTION}window = ["mon-thu 8-16"]\n', "toml:2: .*'mon-thu 8-16' is no window"),
        (f'{PROMOTION}timezone = "Berlin"\n', "toml:2: .*'Berlin' is no time zone"),
        (f'{PROMOTION}timezone = "../UTC"\n', "is no time zone"),
        (f'{PROMOTION}backup_max_age = "PT0S"\n', "backup_max_age"),
        (f'{PROMOTION}incident_query = ""\n', "incident_query.*it is empty"),
    ],
)
def test_a_mistake_names_its_key(tmp_path: Path, text: str, said: str):
    (tmp_path / "runbooks.toml").write_text(text)
    with pytest.raises(
        errors.Refused,
        match=f"(?s)^runbooks\\.{said}" if said.startswith("toml") else f"(?s)^runbooks\\.toml.*{said}",
    ):
        project.load(tmp_path)


def test_gates_that_cannot_be_asked_are_found_before_a_release(tmp_path: Path):
    def checked(more: str) -> tuple[bool, str]:
        config = f'[environments.production]\n{GATE}environments = ["production"]\nempty = true\n{more}'
        found = release_gates.check(project.load(projects.write(tmp_path, migrations={}, config=config)))
        return found.ok, found.summary

    assert checked('query = "select 1;"\n') == (True, "1 release gate can be asked.")
    assert "'g': The query holds 2 statements" in checked('query = "select 1; select 2"\n')[1]
    assert "There is no file a.sql" in checked('file = "a.sql"\n')[1]
    (tmp_path / "a.sql").write_text("drop table x;\n")
    assert "a.sql is no query but a DROP" in checked('file = "a.sql"\n')[1]
    unknown = checked(
        'query = "select 1"\n[[release.gates]]\nname = "h"\nenvironments = ["prod"]\nequals = 1\nquery = "select 1"\n'
    )
    assert unknown[0] is False
    assert "'h': it names the environment 'prod', which there is not; there is production" in unknown[1]
