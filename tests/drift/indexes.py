"""Changes to indexes."""

# ruff: noqa: E501 - a change is a line of SQL

from tests.drift.kind import Kind

_NEXT = iter(range(100))


def _instead(name: str, left: str, right: str, unique: str = "", **more: int) -> Kind:
    """An index in two forms; each is what follows ON."""
    index = f"i_{next(_NEXT)}"
    table = f"s.{index}_t"
    create, drop = f"create {unique} index {index} on {table} ", f"drop index s.{index}; "
    setup = f"create table {table} (a int, b text, c int4range, d hstore); {create}{left}"
    return Kind(name, drop + create + right, drop + create + left, f"index s.{index}", setup=setup, **more)


KINDS = (
    Kind("new index", "create index n on s.t (c)", "drop index s.n", "index s.n"),
    Kind("dropped index", "drop index s.t_a", "create index t_a on s.t (a)", "index s.t_a"),
    Kind(
        "renamed index",
        "alter index s.t_a rename to t_aa",
        "alter index s.t_aa rename to t_a",
        "index s.t_aa",
    ),
    Kind(
        "concurrent index",
        "create index concurrently n on s.t (c)",
        "drop index concurrently s.n",
        "index s.n",
        alone=True,
    ),
    _instead("columns of an index", "(a)", "(a, b)"),
    _instead("order of an index's columns", "(a, b)", "(b, a)"),
    _instead("descending index", "(a)", "(a desc)"),
    _instead("nulls first", "(a)", "(a nulls first)"),
    _instead("partial index", "(a)", "(a) where a > 0"),
    _instead("predicate of an index", "(a) where a > 0", "(a) where a > 1"),
    _instead("index of an expression", "(b)", "(lower(b))"),
    _instead("operator class of an index", "(b)", "(b text_pattern_ops)"),
    _instead("collation of an index", "(b)", '(b collate "C")'),
    _instead("method of an index", "(a)", "using hash (a)"),
    _instead("option of an index", "(a)", "(a) with (fillfactor = 60)"),
    _instead("included column", "(a)", "(a) include (b)"),
    _instead("nulls not distinct index", "(a)", "(a) nulls not distinct", "unique"),
    _instead("pages of an index", "using brin (a)", "using brin (a) with (pages_per_range = 8)"),
    _instead("option of an operator class", "using gist (d)", "using gist (d gist_hstore_ops (siglen = 32))"),
    Kind(
        "unique index",
        "drop index s.t_a; create unique index t_a on s.t (a)",
        "drop index s.t_a; create index t_a on s.t (a)",
        "index s.t_a",
    ),
    Kind("clustered", "alter table s.t cluster on t_a", "alter table s.t set without cluster", "index s.t_a"),
    Kind(
        "statistics of an index's expression",
        "alter index s.ix_e alter column 1 set statistics 300",
        "alter index s.ix_e alter column 1 set statistics -1",
        "index s.ix_e",
        setup="create table s.ix (a int); create index ix_e on s.ix ((a + 1))",
    ),
    Kind(
        "altered option of an index",
        "alter index s.t_a set (fillfactor = 55)",
        "alter index s.t_a reset (fillfactor)",
        "index s.t_a",
    ),
    Kind(
        "index of a partitioned table",
        "create index part_at on s.part (at)",
        "drop index s.part_at",
        "index s.part_at",
    ),
    Kind(
        "index of one partition",
        "create index part_1_id on s.part_1 (id)",
        "drop index s.part_1_id",
        "index s.part_1_id",
    ),
    Kind(
        "attached index",
        "alter index s.pi_at attach partition s.pi_1_at",
        "drop index s.pi_at; create index pi_at on only s.pi (at); create index pi_1_at on s.pi_1 (at)",
        "index s.pi_1_at",
        setup="create table s.pi (at date) partition by range (at); create table s.pi_1 partition of s.pi default; create index pi_at on only s.pi (at); create index pi_1_at on s.pi_1 (at)",
    ),
    Kind("index of a materialized view", "create index m_a on s.m (a)", "drop index s.m_a", "index s.m_a"),
    Kind(
        "tablespace of an index",
        "alter index s.t_a set tablespace drift_space",
        "alter index s.t_a set tablespace pg_default",
        "index s.t_a",
    ),
    Kind(
        "index that depends on an extension",
        "alter index s.t_a depends on extension hstore",
        "alter index s.t_a no depends on extension hstore",
        "index s.t_a",
    ),
)
