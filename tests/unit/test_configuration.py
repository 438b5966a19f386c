"""A mistake in runbooks.toml is said with its key, its line and the nearest right word, in every shape of TOML."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ops import errors, project, toml_places

NO_KEY = "there is no such key."
GATES = '[[release.gates]]\nname = "a"\nequals = 1\nquery = """\nselect 1,\n[x]\n"""\n\n[[release.gates]]\n'
WRONG = {
    "a key of an environment": (
        "[environments.a]\nrehearse = true\n[environments.b]\nrehears = true\n",
        f"4: environments.b.rehears: {NO_KEY} The nearest key is 'rehearse'.",
    ),
    "a nested table": (
        "[environments.b.promotion]\nsoak = 'a'\nrequire_merge = true\n",
        f"3: environments.b.promotion.require_merge: {NO_KEY} The nearest key is 'require_merged'.",
    ),
    "a nested table that is not there otherwise": (
        "[environments.b.soak]\nduratoin = 'PT1H'\n",
        f"2: environments.b.soak.duratoin: {NO_KEY} The nearest key is 'duration'.",
    ),
    "a nested table's own name": (
        "[environments.b]\nguarded = true\n\n[environments.b.promotoin]\nsoak = 'a'\n",
        f"4: environments.b.promotoin: {NO_KEY} The nearest key is 'promotion'.",
    ),
    "the second of an array of tables": (
        f'{GATES}name = "b"\nquerry = "select 1"\n',
        f"11: release.gates item 2 querry: {NO_KEY} The nearest key is 'query'.",
    ),
    "a key that the second of an array of tables lacks": (
        f'{GATES}query = "select 1"\n',
        "9: release.gates item 2 name: it is required and not there.",
    ),
    "a key that one of a list of inline tables lacks": (
        "[release]\ngates = [\n  { name = 'a', query = 'b', equals = 1 }, # one\n  { query = 'c' },\n]\n",
        "4: release.gates item 2 name: it is required and not there.",
    ),
    "an inline table": (
        "[release]\nbranch = 'a'\n[environments]\nb = { place = 'in-place', watch = { evry = 'PT1S' } }\n",
        f"4: environments.b.watch.evry: {NO_KEY} The nearest key is 'every'.",
    ),
    "dotted keys": (
        "environments.b.rehearse = true\nenvironments.b.watch.evry = 'PT1S'\n",
        f"2: environments.b.watch.evry: {NO_KEY} The nearest key is 'every'.",
    ),
    "a quoted table": (
        '[environments."eu.west = 1"]\nrehearse = true\nguardet = true # [x]\n',
        f"3: environments.\"eu.west = 1\".guardet: {NO_KEY} The nearest key is 'guarded'.",
    ),
    "a quoted key": (
        "[environments . 'b']\n\"rehears\" = true\n",
        f"2: environments.b.rehears: {NO_KEY} The nearest key is 'rehearse'.",
    ),
    "a header with blanks and a comment": (
        "  [ environments . b ] # it [is]\n  rehears = true\n",
        f"2: environments.b.rehears: {NO_KEY} The nearest key is 'rehearse'.",
    ),
    "a key that another table has as well": (
        '[project]\nname = "shop"\n[integrity]\nname = "shop"\n',
        f"4: integrity.name: {NO_KEY}",
    ),
    "what looks like a key in a text of several lines": (
        "[release]\nnotes = '''\nbranhc = 1\n'''\nbranhc = 1\n",
        f"5: release.branhc: {NO_KEY} The nearest key is 'branch'.",
    ),
    "a key of the project": (
        "[project]\nmigration = []\n",
        f"2: project.migration: {NO_KEY} The nearest key is 'migrations'.",
    ),
    "a key that only the tool sets": ("[project]\nroot = '/'\n", f"2: project.root: {NO_KEY}"),
    "a table within the project's": ("[project.deploy]\ntests = 'x'\n", f"1: project.deploy: {NO_KEY}"),
    "a name of an environment beside its own": (
        "[environments.b]\nname = 'c'\n",
        f"2: environments.b.name: {NO_KEY}",
    ),
    "a table": ("[deploy]\n[integritty]\n", "2: unknown table 'integritty'; .*nearest key is 'integrity'."),
    "a key outside of its table": ("name = 'shop'\n", "1: name belongs in [project]."),
    "a value for a table": ("deploy = 3\n", "1: deploy: should be a table."),
    "a list for a table": ("[[environments]]\nrehearse = true\n", "1: environments: should be a table."),
    "a value for an environment": ("[environments]\nb = 'x'\n", "2: environments.b: should be a table."),
    "a value for a table in an environment": (
        "[environments.b]\nwatch = 3\n",
        "2: environments.b.watch: should be a table.",
    ),
    "a table for a list": ("[release.gates]\nname = 'a'\n", "1: release.gates: should be a list."),
    "a text for a list": ("[project]\ntests = 'x'\n", "2: project.tests: should be a list."),
    "an item of a list": (
        "[release]\nchecklist = [\n  'a',\n  3,\n]\n",
        "4: release.checklist item 2: Input should be a valid string.",
    ),
    "a text for a truth": (
        "[environments.b]\nguarded = 'perhaps'\n",
        "2: environments.b.guarded: Input should be a valid boolean, .*",
    ),
    "a number that is too high": (
        "[environments.b]\napprovals = 10\n",
        "2: environments.b.approvals: Input should be less than or equal to 9.",
    ),
    "a word of an enum": (
        "[environments.b]\nplace = 'inplace'\n",
        "2: environments.b.place: Input should be 'in-place' or 'throw-away'. The nearest value is 'in-place'.",
    ),
    "a word of an enum in a dict": (
        "[integrity]\ngrowth = { logs = 'up', chat = 'notdown' }\n",
        "2: integrity.growth.chat: Input should be .* The nearest value is 'not-down'.",
    ),
    "a word of a choice": (
        "[pull_request]\ndrift = 'reprot'\n",
        "2: pull_request.drift: Input should be 'fail' or 'report'. The nearest value is 'report'.",
    ),
    "a key behind its short form": (
        "[integrity.keys]\nlogs = ['a']\norders = []\n",
        "3: integrity.keys.orders.columns: Tuple should have at least 1 item.*",
    ),
    "a rule of a value": (
        "[pull_request]\nsmoke = ['a.sql',\n  '../b.sql']\n",
        "3: pull_request.smoke item 2: Value error, a glob counts from .*",
    ),
    "two mistakes": (
        "[environments.b]\nrehears = 1\nguardet = 1\n",
        f"2: environments.b.rehears: {NO_KEY} .* runbooks.toml:3: environments.b.guardet: {NO_KEY} .*",
    ),
}


def said(folder: Path, text: str, encoding: str = "utf-8", newline: str = "\n") -> str:
    (folder / project.CONFIG_NAME).write_bytes(text.replace("\n", newline).encode(encoding))
    with pytest.raises(errors.Refused) as raised:
        project.load(folder)
    return str(raised.value)


@pytest.mark.parametrize(("text", "says"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize(("encoding", "newline"), [("utf-8", "\n"), ("utf-8-sig", "\r\n")])
def test_a_mistake_is_said_with_its_key_and_line(
    tmp_path: Path, text: str, says: str, encoding: str, newline: str
):
    pattern = r"runbooks\.toml:" + re.escape(says).replace(r"\.\*", ".*")
    found = said(tmp_path, text, encoding, newline)
    assert re.fullmatch(pattern if says.endswith(("'.", "*")) else f"{pattern}.*", found), found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[environments.b]\n[deploy]\n[environments.b]\n", "at line 3"),
        ("[deploy]\ntests = 'a'\ntests = 'b'\n", "at line 3"),
        ("[deploy]\ntests = a\n", "at line 2"),
    ],
)
def test_what_is_no_toml_is_said_with_its_line(tmp_path: Path, text: str, says: str):
    assert re.search(rf"runbooks\.toml cannot be read as TOML: .*{says}.*Mend the file", said(tmp_path, text))


def test_what_is_no_text_is_said(tmp_path: Path):
    assert "cannot be read as TOML" in said(tmp_path, "[deploy]\ntests = 'ü'\n", "latin-1")


def test_a_value_is_never_shown(tmp_path: Path):
    text = "[environments.b]\ndatabase = ['postgresql://a:fake-word@b/c']\nplace = 'fake-word'\n"
    assert "fake-word" not in said(tmp_path, text)


def test_every_kind_of_value_has_its_line():
    text = """\
a = 1.5
b = 2024-01-01 10:00:00
"c.d".'e' = [ [1, 2],
  [3], { f = [
    "]", '#', { g.h = 1 } ] } ]
i = \"\"\"x\\\"\"\"\" #\"\"\"\"
[[j]]
k = 1
[j.l]
m = 1
[[j]]
[[j.n]]
o = 1
[[j.n]]
o = '''
''''
"""
    found = toml_places.lines(text)
    assert found["c.d", "e", 1] == 4
    assert found["c.d", "e", 2, "f", 2, "g", "h"] == 5
    assert found["i",] == 6
    assert found["j", 0, "l", "m"] == 10
    assert found["j", 1, "n", 0, "o"] == 13
    assert found["j", 1, "n", 1, "o"] == 15
    assert toml_places.line(found, ("j", 1, "n", 1, "nothing")) == 14
    assert toml_places.line(found, ("nothing",)) is None
