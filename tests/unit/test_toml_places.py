"""A key is found on its line, also where it is quoted, dotted, in an array of tables or beside a text of many lines."""

from __future__ import annotations

import pytest

from ops import toml_places

TEXT = """\
top = 1
[deploy]
tables = [
    "logs",
]
# body = "not this one"
text = \'\'\'
body = 3
\'\'\'
[deploy.samples."public.odd"]
"select" = "x"
samples.of = 2
[[integrity.relations]]
table = "a"
"""


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("top",), 1),
        (("deploy", "tables"), 3),
        (("deploy", "samples", "public.odd"), 10),
        (("deploy", "samples", "public.odd", "select"), 11),
        (("deploy", "samples", "public.odd", "samples", "of"), 12),
        (("integrity", "relations", 0, "table"), 14),
        (("deploy", "nothing of this name"), 2),
        (("deploy", "samples"), 10),
        (("nowhere",), None),
    ],
)
def test_a_key_is_on_its_line_or_on_that_of_the_nearest_around_it(keys: toml_places.Place, line: int | None):
    assert toml_places.told("a.toml", TEXT, keys) == (f"a.toml:{line}" if line else "a.toml")
