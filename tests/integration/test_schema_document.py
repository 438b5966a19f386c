"""The documentation of a live schema and its diagram: complete, the same each time, and readable by Mermaid."""

from __future__ import annotations

import re
from collections.abc import Sequence

import psycopg
import pytest
from psycopg import conninfo

from ops import database, er_diagram, schema_document
from ops.schema_document import SchemaDocument
from ops.schema_shape import Column, ForeignKey, Relation
from tests import mermaid, projects

HOSTILE = """
create schema "Odd ""q"" one";
create type "Odd ""q"" one".uk as enum ('a', '|', '<b>');
create table "Odd ""q"" one"."a b|`%" (
    pk bigint primary key,
    "UK" "Odd ""q"" one".uk default '|',
    "1st; name" numeric(4, 3),
    "a b" text, "a_b" text, "a-b" text[],
    "größe" text, "🚀" text, "direction TB" int check ("direction TB" > 0)
);
create table "Odd ""q"" one".a_b___ (id int);
create table "Odd ""q"" one"."x.y" (id int);
create schema "Odd ""q"" one.x";
create table "Odd ""q"" one.x".y (id int);
comment on table "Odd ""q"" one"."a b|`%" is E'two\\nlines | and *stars* <script>';
comment on column "Odd ""q"" one"."a b|`%".pk is '"quoted" %%{init}%%';
"""
RELATIONS = """
create table public.parents (id bigint primary key, other bigint unique, name text);
create table public.children (
    id bigint primary key references public.parents,
    one bigint not null constraint one references public.parents,
    maybe bigint constraint maybe references public.parents,
    single bigint not null unique constraint single references public.parents (other),
    several bigint unique constraint several references public.parents,
    owner uuid constraint owner references auth.users
);
create unique index children_partial on public.children (one) where maybe is null;
create table public.events (id bigint, day date, primary key (id, day)) partition by range (day);
create table public.events_2026 partition of public.events for values from ('2026-01-01') to ('2027-01-01');
create table public.remarks (
    event bigint, day date, constraint of_event foreign key (event, day) references public.events
);
create view public.names as select name from public.parents;
"""


def made(dsn: str, *statements: str) -> SchemaDocument:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
    with database.connect(dsn) as connection:
        return schema_document.regenerate(connection, title="shop")


def table(name: str, columns: int = 10, keys: Sequence[str] = ()) -> Relation:
    """A table as it would be read."""
    made = Relation(0, "public", name, "table", secured=True, partitions=0, comment=None)
    made.columns.extend(
        Column(f"column_{number}", "text", nullable=True, filled="", in_key=number == 0, comment=None)
        for number in range(columns)
    )
    made.foreign_keys.extend(
        ForeignKey(f"to_{key}", "public", key, ("column_1",), optional=True, single=False) for key in keys
    )
    return made


def test_everything_of_a_schema_is_there(shaped: str) -> None:
    found = made(shaped, projects.CREATE_NOTES, projects.CREATE_TAGS, projects.ADD_COLOUR)
    text = found.markdown
    assert re.findall(r"^#+ .*", text, re.M) == [
        "# The schema of shop",
        "## Schema public",
        "### public.notes",
        "### public.tags",
        "## Diagram",
    ]
    assert "Table, row level security on." in text
    assert "| colour | text | no | 'grey'::text | shown beside the label |" in text
    assert "| id | bigint | no | generated always as identity |  |" in text
    assert "| owner | uuid | no | auth.uid() |  |" in text
    assert "- tags\\_pkey: PRIMARY KEY (id)" in text
    assert "FOREIGN KEY (note\\_id) REFERENCES public.notes(id) ON DELETE CASCADE" in text
    assert "- tags\\_label\\_idx: CREATE INDEX tags\\_label\\_idx ON public.tags USING btree (label)" in text
    assert "- owners manage their notes: for all to authenticated using" in text
    assert found.summary == "The schema of shop is documented: 2 tables, 0 views and 1 foreign key."
    (diagram,) = found.diagrams
    assert diagram in text
    read = mermaid.read(diagram)
    assert read.tables["public.tags"] == [
        ("bigint", "id", "PK", ""),
        ("bigint", "note_id", "FK", ""),
        ("text", "label", "", ""),
        ("text", "colour", "", ""),
    ]
    assert read.edges == [("public.notes", "||--o{", "public.tags", "tags_note_id_fkey")]


def test_only_the_projects_own_schemas_and_the_same_each_time(shaped: str) -> None:
    first = made(shaped, projects.CREATE_NOTES, "create schema runbooks; create table runbooks.kept (id int)")
    assert "runbooks.kept" not in first.markdown
    assert "### auth" not in first.markdown
    assert made(conninfo.make_conninfo(shaped, options="-c search_path=public,auth")) == first
    assert made(shaped) == first


def test_an_empty_project_is_documented_as_empty(shaped: str) -> None:
    found = made(shaped)
    assert (found.ok, found.diagrams) == (True, ())
    assert "There is no table and no view yet." in found.markdown


def test_who_has_how_many_of_whom(shaped: str) -> None:
    found = made(shaped, RELATIONS)
    (diagram,) = found.diagrams
    edges = {name: (parent, how) for parent, how, _, name in mermaid.read(diagram).edges}
    assert edges == {
        "children_id_fkey": ("public.parents", "||--o|"),
        "one": ("public.parents", "||--o{"),
        "maybe": ("public.parents", "|o--o{"),
        "single": ("public.parents", "||--o|"),
        "several": ("public.parents", "|o--o|"),
        "owner": ("auth.users", "|o--o{"),
        "of_event": ("public.events", "|o--o{"),
    }
    assert ("bigint", "id", "PK, FK", "") in mermaid.read(diagram).tables["public.children"]
    assert "Partitioned table, row level security off, 1 partitions." in found.markdown
    assert "events\\_2026" not in found.markdown
    assert "### public.names\n\nView.\n" in found.markdown
    assert found.markdown.count("FOREIGN KEY (event, day)") == 1


def test_names_that_no_diagram_takes_are_written_otherwise(shaped: str) -> None:
    found = made(shaped, HOSTILE)
    (diagram,) = found.diagrams
    tables = mermaid.read(diagram).tables
    assert sorted(tables) == [
        *("Odd__q__one.a_b___", "Odd__q__one.a_b____2", "Odd__q__one.x_y", "Odd__q__one_x.y")
    ]
    columns = next(columns for columns in tables.values() if len(columns) > 1)
    words = [name for _, name, _, _ in columns]
    assert len(set(words)) == len(words) == 9
    by_comment = {comment: (kind, name) for kind, name, _, comment in columns}
    assert by_comment["pk"] == ("bigint", "_pk")
    assert by_comment["UK"] == ("_uk", "_UK")
    assert by_comment["1st_ name"] == ("numeric", "_1st__name")
    assert by_comment["a b"][1] == "a_b_2"
    assert by_comment["a-b"] == ("text__", "a_b_3")
    assert by_comment["direction TB"] == ("integer", "direction_TB")
    assert {"größe", "a_b"} <= set(words)
    assert "<script>" not in found.markdown
    assert "two lines \\| and" in found.markdown or "two lines | and \\*stars\\*" in found.markdown


@pytest.mark.parametrize(("count", "columns"), [(20, True), (250, False)])
def test_a_large_schema_shows_the_columns_of_its_keys(count: int, columns: bool) -> None:
    (diagram,) = er_diagram.draw([table(f"table_{n}", keys=[f"table_{n // 2}"]) for n in range(count)])
    read = mermaid.read(diagram)
    assert len(diagram) <= er_diagram.MOST_CHARACTERS
    assert (len(read.tables), len(read.edges)) == (count, count)
    assert {len(each) for each in read.tables.values()} == {10 if columns else 2}


def test_a_very_large_schema_is_drawn_in_parts_that_lose_nothing() -> None:
    keys = [f"table_{n}" for n in range(3)]
    diagrams = er_diagram.draw([table(f"table_{n}", keys=keys) for n in range(800)])
    assert len(diagrams) > 1
    reads = [mermaid.read(diagram) for diagram in diagrams]
    assert all(len(each.edges) <= er_diagram.MOST_EDGES for each in reads)
    assert all(len(text) <= er_diagram.MOST_CHARACTERS for text in diagrams)
    names = [name for each in reads for name in each.tables]
    assert len(names) == len(set(names)) == 800
    assert sum(len(each.edges) for each in reads) == 2400


def test_three_hundred_tables_are_read_at_once(shaped: str) -> None:
    tables = "".join(
        f"create table public.t{n} (id bigint primary key, t bigint references public.t{max(n - 1, 0)});"
        for n in range(300)
    )
    found = made(shaped, tables)
    assert sum(len(mermaid.read(diagram).edges) for diagram in found.diagrams) == 300
    assert found.markdown.count("\n### ") == 300
