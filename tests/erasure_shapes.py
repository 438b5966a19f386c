"""Random schemas of foreign keys with rows, how they are declared, and what an erasure must make of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import strategies as st

from ops.erasure_settings import Action, ErasedTable, Erasure

SECRET = "who-is-to-be-erased"
Key = tuple[int, ...]


@dataclass
class Edge:
    """A foreign key: its columns are `f<number>_<n>`, as many as the parent's key has."""

    number: int
    child: int
    parent: int
    nullable: bool
    on_delete: str
    full: bool
    deferred: bool
    link: str
    width: int

    @property
    def columns(self) -> list[str]:
        return [f"f{self.number}_{n}" for n in range(self.width)]

    @property
    def said(self) -> str:
        return ", ".join(self.columns)


@dataclass
class Line:
    """A row: its key, and for each foreign key the key of the row it refers to."""

    key: Key
    refers: dict[int, Key | None] = field(default_factory=dict)
    name: str | None = "somebody else's"


@dataclass
class Shape:
    """Tables `t0` (the subjects) to `tn`."""

    widths: list[int]
    actions: list[Action]
    edges: list[Edge]
    lines: list[dict[Key, Line]]

    def of(self, table: int) -> list[Edge]:
        return [edge for edge in self.edges if edge.child == table]

    def settled(self) -> Shape:
        """Take back what cannot be: rows that stay and must refer to rows that are gone."""
        moved = True
        while moved:
            moved = False
            for edge in self.edges:
                if self.actions[edge.parent] is not Action.DELETE or edge.link == "detach":
                    continue
                if edge.link == "leave":
                    edge.link, moved = "by", True
                stays = self.actions[edge.child] is Action.KEEP or not edge.nullable
                if stays and self.actions[edge.child] is not Action.DELETE:
                    self.actions[edge.child], moved = Action.DELETE, True
        return self

    def nulls(self, table: int) -> list[Edge]:
        """Return the keys that are emptied in the subject's rows of a table that are anonymised."""
        return [e for e in self.of(table) if e.link == "by" and self.actions[e.parent] is Action.DELETE]

    @property
    def mine(self) -> set[tuple[int, Key]]:
        """The subject's rows: row by row until there are no more."""
        found = {(0, (1,) * self.widths[0])} & {(0, key) for key in self.lines[0]}
        while (
            more := {
                (edge.child, line.key)
                for edge in self.edges
                if edge.link == "by"
                for line in self.lines[edge.child].values()
                if (target := line.refers[edge.number]) is not None and (edge.parent, target) in found
            }
            - found
        ):
            found |= more
        return found

    @property
    def expected(self) -> list[dict[Key, Line]]:
        """What must be there afterwards."""
        mine = self.mine
        after: list[dict[Key, Line]] = []
        for table, lines in enumerate(self.lines):
            kept: dict[Key, Line] = {}
            for line in lines.values():
                own = (table, line.key) in mine
                if own and self.actions[table] is Action.DELETE:
                    continue
                anonymised = own and self.actions[table] is Action.ANONYMISE
                emptied = {edge.number for edge in self.nulls(table)} if anonymised else set[int]()
                emptied |= {
                    edge.number
                    for edge in self.of(table)
                    if edge.link == "detach"
                    and (target := line.refers[edge.number]) is not None
                    and (edge.parent, target) in mine
                }
                refers = {number: None if number in emptied else to for number, to in line.refers.items()}
                kept[line.key] = Line(line.key, refers, None if anonymised else line.name)
            after.append(kept)
        return after

    @property
    def erasure(self) -> Erasure:
        """How it is declared."""
        tables: dict[str, ErasedTable] = {}
        for table, action in enumerate(self.actions):
            edges = self.of(table)
            null = [*(column for edge in self.nulls(table) for column in edge.columns), "name"]
            tables[f"public.t{table}"] = ErasedTable(
                action=action,
                by=tuple(edge.said for edge in edges if edge.link == "by"),
                detach=tuple(edge.said for edge in edges if edge.link == "detach"),
                leave=tuple(edge.said for edge in edges if edge.link == "leave"),
                null=tuple(null) if action is Action.ANONYMISE else (),
                why="for the test" if action is Action.KEEP else "",
            )
        return Erasure(table="public.t0", lookup="k0", identifying=("name",), tables=tables)

    def statements(self) -> Iterator[str]:
        """Yield what makes it: tables, rows without what may be empty, foreign keys, and then the rest."""
        for table, width in enumerate(self.widths):
            keys = ", ".join(f"k{n}" for n in range(width))
            columns = [f"k{n} integer" for n in range(width)]
            columns += [
                f"{c} integer {'' if e.nullable else 'not null'}" for e in self.of(table) for c in e.columns
            ]
            yield f"create table public.t{table} ({', '.join(columns)}, name text, primary key ({keys}))"
        for table, lines in enumerate(self.lines):
            for line in lines.values():
                given = [
                    *line.key,
                    *(n for e in self.of(table) for n in line.refers[e.number] or [None] * e.width),
                ]
                values = ", ".join("null" if one is None else str(one) for one in given)
                name = "null" if line.name is None else f"$${line.name}$$"
                yield f"insert into public.t{table} values ({values}, {name})"
        for edge in self.edges:
            keys = ", ".join(f"k{n}" for n in range(edge.width))
            match = "match full" if edge.full else ""
            later = "deferrable initially deferred" if edge.deferred else ""
            yield (
                f"alter table public.t{edge.child} add foreign key ({edge.said}) "
                f"references public.t{edge.parent} ({keys}) "
                f"{match} on delete {edge.on_delete} {later}"
            )


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Draw tables with keys of one or two columns, foreign keys in all directions, and rows."""
    count = draw(st.integers(2, 5))
    widths = [1, *(draw(st.integers(1, 2)) for _ in range(count - 1))]
    actions = [draw(st.sampled_from([Action.DELETE, Action.ANONYMISE]))]
    actions += [draw(st.sampled_from(list(Action))) for _ in range(count - 1)]
    lines: list[dict[Key, Line]] = []
    for width in widths:
        keys = draw(st.sets(st.tuples(*[st.integers(1, 3)] * width), max_size=5)) | {(1,) * width}
        lines.append({key: Line(key) for key in sorted(keys)})
    edges: list[Edge] = []
    for number in range(draw(st.integers(2, 9))):
        # Half of all lead to the subjects, or to what leads there, and half of the rows to the first one there.
        child = draw(st.integers(0, count - 1))
        parent = draw(st.sampled_from([0, *range(min(number + 1, count)), draw(st.integers(0, count - 1))]))
        nullable = draw(st.booleans())
        ways = ["no action", "restrict", "cascade"]
        ways += ["set null", "set default"] if nullable else []
        links = ["by", "by", "leave"] + (["detach", "detach"] if nullable else [])
        edge = Edge(
            number,
            child,
            parent,
            nullable,
            on_delete=draw(st.sampled_from(ways)),
            full=draw(st.booleans()),
            deferred=draw(st.booleans()),
            link=draw(st.sampled_from(links)),
            width=widths[parent],
        )
        edges.append(edge)
        first, *others = sorted(lines[parent])
        targets: list[Key | None] = [first] * max(1, len(others)) + others + ([None] if nullable else [])
        for line in lines[child].values():
            line.refers[number] = draw(st.sampled_from(targets))
    shape = Shape(widths, actions, edges, lines).settled()
    for table, key in shape.mine:
        if shape.actions[table] is not Action.KEEP:
            shape.lines[table][key].name = SECRET
    return shape
