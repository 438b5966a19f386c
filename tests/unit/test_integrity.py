"""What an integrity check's configuration may say, and what is said of growth; no database."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import errors, growth, project, settings
from ops.app_tables import Column, Table, Tables
from ops.settings import Expectation

LOGS = {"public.logs": Expectation.UP}


def integrity_of(folder: Path, text: str) -> settings.Integrity:
    (folder / project.CONFIG_NAME).write_text(text)
    return project.load(folder).integrity


def test_a_table_of_the_configuration_becomes_settings(tmp_path: Path):
    found = integrity_of(
        tmp_path,
        """\
[integrity]
max_duplicates = 2
required = { logs = ["message"] }
future_allowed = ["*.planned_for"]
future_tolerance = "PT10M"
growth = { orders = "not-down" }

[integrity.keys]
logs = ["message", "at"]
orders = { columns = ["number"], nulls_equal = true, max_duplicates = 0 }

[[integrity.relations]]
table = "logs"
columns = ["chat"]
to = "chat_history"
""",
    )
    assert found.keys["logs"] == settings.Key(columns=("message", "at"))
    assert found.keys["orders"] == settings.Key(columns=("number",), nulls_equal=True, max_duplicates=0)
    assert found.relations[0].to_columns == ()
    assert found.growth == {"orders": Expectation.NOT_DOWN}
    assert found.future_tolerance.total_seconds() == 600


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "[integrity]\nmax_dup = 1\n",
            r"runbooks.toml:2: integrity.max_dup: .*nearest key is 'max_duplicates'",
        ),
        ("[integrity]\nmax_duplicates = -1\n", r"runbooks.toml:2: integrity.max_duplicates: "),
        ("[integrity]\nmax_duplicates = true\n", r"runbooks.toml:2: integrity.max_duplicates: "),
        ("[integrity.keys]\nlogs = []\n", r"runbooks.toml:2: integrity.keys.logs.columns: "),
        (
            "[integrity.keys.logs]\ncolumns = ['a']\nnull_equal = true\n",
            r"runbooks.toml:3: integrity.keys.logs.null_equal: .*nearest key is 'nulls_equal'",
        ),
        (
            "[[integrity.relations]]\ntable = 'a'\ncolumns = ['b']\nto = 'c'\nto_column = ['d']\n",
            r"runbooks.toml:5: integrity.relations item 1 to_column: .*nearest key is 'to_columns'",
        ),
        ("[integrity.growth]\nlogs = 'down'\n", r"runbooks.toml:2: integrity.growth.logs: .*'not-down'"),
        ("[integrity]\nfuture_tolerance = -5\n", r"runbooks.toml:2: integrity.future_tolerance"),
    ],
)
def test_a_wrong_key_names_its_line_and_the_nearest_right_one(tmp_path: Path, text: str, says: str):
    with pytest.raises(errors.Refused, match=says):
        integrity_of(tmp_path, text)


@pytest.mark.parametrize(
    ("expected", "after", "ok"),
    [
        ("up", 4, True),
        ("up", 3, False),
        ("up", 2, False),
        ("not-down", 4, True),
        ("not-down", 3, True),
        ("not-down", 2, False),
        ("same", 4, False),
        ("same", 3, True),
        ("same", 2, False),
        ("any", 0, True),
    ],
)
def test_growth_is_judged_by_what_was_expected(expected: str, after: int, ok: bool):
    found = growth.compare({"public.logs": 3}, {"public.logs": after}, {"public.logs": Expectation(expected)})
    assert (found.ok, found.tables[0].ok) == (ok, ok)
    assert ("public.logs" in found.summary) is True


def test_a_missing_baseline_is_refused():
    with pytest.raises(
        errors.Refused, match=r"There is no baseline from before the deploy, .*Run the gate before"
    ):
        growth.compare(None, {"public.logs": 1}, LOGS)
    with pytest.raises(errors.Refused, match=r"There is no baseline of public.logs from before"):
        growth.compare({}, {"public.logs": 1}, LOGS)
    with pytest.raises(errors.Refused):
        growth.compare(None, {}, {})


def test_a_table_of_which_nothing_is_expected_needs_no_baseline():
    assert growth.compare({}, {"public.new": 1}, {"public.new": Expectation.ANY}).ok


def test_a_table_that_is_gone_did_not_grow():
    found = growth.compare({"public.logs": 3}, {}, LOGS)
    assert not found.ok
    assert found.summary == "Not as expected: public.logs had 3 rows and was not counted again."


def test_growth_of_nothing_says_so():
    assert growth.compare({}, {}, {}).summary == "No table is expected to grow, so no growth was judged."


def table(schema: str, name: str, *columns: str) -> Table:
    made = tuple(Column(column, "text", hashable=True, time=False, made=False) for column in columns)
    return Table(1, schema, name, partitioned=False, of_app=True, key=(), columns=made)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("logs", "public.logs"),
        ("old.logs", "old.logs"),
        ('"old".logs', "old.logs"),
        ("a.b", "public.a.b"),
        ('"a.b"', "public.a.b"),
        ("Chat Room", "old.Chat Room"),
        ('old."Chat Room"', "old.Chat Room"),
    ],
)
def test_a_table_is_found_as_it_is_written(name: str, meant: str):
    tables = Tables(
        (table("public", "logs"), table("old", "logs"), table("public", "a.b"), table("old", "Chat Room"))
    )
    assert str(tables.table(name, key="here")) == meant


def test_a_name_of_two_tables_is_not_guessed_between():
    tables = Tables((table("one", "logs"), table("two", "logs")))
    with pytest.raises(
        errors.Refused, match=r"here: 'logs' can be one.logs, two.logs. Name the schema .*'one.logs'"
    ):
        tables.table("logs", key="here")
    assert tables.named("logs") is None


def test_a_column_is_found_as_it_is_written():
    logs = table("public", "logs", "message", "Odd One")
    assert logs.column('"Odd One"', key="here").name == "Odd One"
    with pytest.raises(
        errors.Refused, match=r"here: public.logs has no column 'massage'.*nearest is 'message'"
    ):
        logs.column("massage", key="here")
