"""Changes to tables: what they are, how they are kept, to whom they belong and what they inherit."""

# ruff: noqa: E501 - a change is a line of SQL

from tests.drift.kind import Kind

KINDS = (
    Kind("new table", "create table s.n (id int)", "drop table s.n", "table s.n"),
    Kind("dropped table", "drop table s.loose", "create table s.loose (id int, at date)", "table s.loose"),
    Kind(
        "renamed table", "alter table s.log rename to logs", "alter table s.logs rename to log", "table s.log"
    ),
    Kind(
        "table in another schema",
        "alter table s.log set schema other",
        "alter table other.log set schema s",
        "table other.log",
    ),
    Kind(
        "owner of a table",
        "alter table s.t owner to drift_one",
        "alter table s.t owner to current_user",
        "table s.t",
    ),
    Kind("unlogged table", "alter table s.log set unlogged", "alter table s.log set logged", "table s.log"),
    Kind(
        "fillfactor",
        "alter table s.t set (fillfactor = 70)",
        "alter table s.t reset (fillfactor)",
        "table s.t",
    ),
    Kind(
        "toast option",
        "alter table s.t set (toast.autovacuum_enabled = off)",
        "alter table s.t reset (toast.autovacuum_enabled)",
        "table s.t",
    ),
    Kind(
        "row level security",
        "alter table s.t enable row level security",
        "alter table s.t disable row level security",
        "table s.t",
    ),
    Kind(
        "forced row level security",
        "alter table s.t force row level security",
        "alter table s.t no force row level security",
        "table s.t",
    ),
    Kind(
        "full replica identity",
        "alter table s.t replica identity full",
        "alter table s.t replica identity default",
        "table s.t",
    ),
    Kind(
        "no replica identity",
        "alter table s.t replica identity nothing",
        "alter table s.t replica identity default",
        "table s.t",
    ),
    Kind(
        "replica identity by index",
        "alter table s.t replica identity using index t_pkey",
        "alter table s.t replica identity default",
        "index s.t_pkey",
    ),
    Kind(
        "typed table",
        "alter table s.typed of s.pair",
        "alter table s.typed not of",
        "table s.typed",
        setup="create table s.typed (x int, y text)",
    ),
    Kind(
        "inheritance",
        "alter table s.heir inherit s.log",
        "alter table s.heir no inherit s.log",
        "table s.heir",
        setup="create table s.heir (id int, at timestamptz)",
    ),
    Kind(
        "order of parents",
        "alter table s.two no inherit s.log; alter table s.two inherit s.log",
        "alter table s.two no inherit s.log2; alter table s.two inherit s.log2",
        "table s.two",
        setup="create table s.log2 (id int, at timestamptz); create table s.two () inherits (s.log, s.log2)",
    ),
    Kind(
        "attached partition",
        "alter table s.part attach partition s.loose for values from ('2026-02-01') to ('2026-03-01')",
        "alter table s.part detach partition s.loose",
        "table s.loose",
    ),
    Kind(
        "detached partition",
        "alter table s.part detach partition s.part_1",
        "alter table s.part attach partition s.part_1 for values from ('2026-01-01') to ('2026-02-01')",
        "table s.part_1",
    ),
    Kind(
        "bound of a partition",
        "alter table s.part detach partition s.part_1; alter table s.part attach partition s.part_1 for values from ('2026-01-01') to ('2026-01-15')",
        "alter table s.part detach partition s.part_1; alter table s.part attach partition s.part_1 for values from ('2026-01-01') to ('2026-02-01')",
        "table s.part_1",
    ),
    Kind(
        "default partition",
        "alter table s.part attach partition s.loose default",
        "alter table s.part detach partition s.loose",
        "table s.loose",
    ),
    Kind(
        "new partition",
        "create table s.part_9 partition of s.part for values from ('2026-09-01') to ('2026-10-01')",
        "drop table s.part_9",
        "table s.part_9",
    ),
    Kind(
        "partition key",
        "drop table s.hashed; create table s.hashed (id int, k int) partition by hash (k)",
        "drop table s.hashed; create table s.hashed (id int, k int) partition by hash (id)",
        "table s.hashed",
        setup="create table s.hashed (id int, k int) partition by hash (id)",
    ),
    Kind(
        "sub-partitioned partition",
        "drop table s.part_1; create table s.part_1 partition of s.part for values from ('2026-01-01') to ('2026-02-01') partition by list (id)",
        "drop table s.part_1; create table s.part_1 partition of s.part for values from ('2026-01-01') to ('2026-02-01')",
        "table s.part_1",
    ),
    Kind(
        "access method of a table",
        "alter table s.log set access method heap2",
        "alter table s.log set access method heap",
        "table s.log",
        setup="create access method heap2 type table handler heap_tableam_handler",
    ),
    Kind(
        "extended statistics",
        "create statistics s.st on a, b from s.t",
        "drop statistics s.st",
        "statistics s.st",
    ),
    Kind(
        "kinds of extended statistics",
        "drop statistics s.st2; create statistics s.st2 (mcv) on a, b from s.t",
        "drop statistics s.st2; create statistics s.st2 on a, b from s.t",
        "statistics s.st2",
        setup="create statistics s.st2 on a, b from s.t",
    ),
    Kind(
        "target of extended statistics",
        "alter statistics s.st3 set statistics 50",
        "alter statistics s.st3 set statistics -1",
        "statistics s.st3",
        setup="create statistics s.st3 on a, c from s.t",
    ),
    Kind(
        "expression of extended statistics",
        "create statistics s.st4 on (a + 1), (length(b)) from s.t",
        "drop statistics s.st4",
        "statistics s.st4",
    ),
    Kind(
        "owner of extended statistics",
        "alter statistics s.st5 owner to drift_one",
        "alter statistics s.st5 owner to current_user",
        "statistics s.st5",
        setup="create statistics s.st5 on a, d from s.t",
    ),
    Kind(
        "tablespace of a table",
        "alter table s.log set tablespace drift_space",
        "alter table s.log set tablespace pg_default",
        "table s.log",
    ),
)
