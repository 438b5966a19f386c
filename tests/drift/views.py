"""Changes to views, materialized views and rules."""

# ruff: noqa: E501 - a change is a line of SQL

from tests.drift.kind import Kind

KINDS = (
    Kind("new view", "create view s.v9 as select 1 as x", "drop view s.v9", "view s.v9"),
    Kind("dropped view", "drop view s.v", "create view s.v as select id, a from s.t", "view s.v"),
    Kind(
        "body of a view",
        "create or replace view s.v as select id, a + 1 - 1 as a from s.t",
        "create or replace view s.v as select id, a from s.t",
        "view s.v",
    ),
    Kind(
        "added column of a view",
        "create or replace view s.v as select id, a, b from s.t",
        "drop view s.v; create view s.v as select id, a from s.t",
        "column s.v.b",
    ),
    Kind(
        "security invoker",
        "alter view s.v set (security_invoker = true)",
        "alter view s.v reset (security_invoker)",
        "view s.v",
    ),
    Kind(
        "security barrier",
        "alter view s.v set (security_barrier = true)",
        "alter view s.v reset (security_barrier)",
        "view s.v",
    ),
    Kind(
        "check option",
        "alter view s.v set (check_option = local)",
        "alter view s.v reset (check_option)",
        "view s.v",
    ),
    Kind(
        "owner of a view",
        "alter view s.v owner to drift_one",
        "alter view s.v owner to current_user",
        "view s.v",
    ),
    Kind("renamed view", "alter view s.v rename to vv", "alter view s.vv rename to v", "view s.vv"),
    Kind(
        "renamed column of a view itself",
        "alter view s.v rename column a to aa",
        "alter view s.v rename column aa to a",
        "column s.v.aa",
    ),
    Kind(
        "view over a renamed table",
        "alter table s.t rename to tt",
        "alter table s.tt rename to t",
        "view s.v",
    ),
    Kind(
        "view over a renamed function",
        "alter function s.vf() rename to vff",
        "alter function s.vff() rename to vf",
        "view s.vfv",
        setup="create function s.vf() returns int language sql as 'select 1'; create view s.vfv as select s.vf() as x",
    ),
    Kind(
        "column under a join",
        "alter table s.ja add z int",
        "alter table s.ja drop z",
        "view s.jv",
        setup="create table s.ja (id int, x int); create table s.jb (id int, z int); create table s.jc (z int); "
        "create view s.jv as select * from s.ja join s.jb using (id) join s.jc using (z)",
    ),
    Kind(
        "recursive view",
        "create recursive view s.r (n) as values (1) union all select n + 1 from r where n < 5",
        "drop view s.r",
        "view s.r",
    ),
    Kind(
        "new materialized view",
        "create materialized view s.mm as select 1 as x",
        "drop materialized view s.mm",
        "materialized view s.mm",
    ),
    Kind(
        "body of a materialized view",
        "drop materialized view s.m; create materialized view s.m as select id, a from s.t where a > 0; create unique index m_id on s.m (id)",
        "drop materialized view s.m; create materialized view s.m as select id, a from s.t; create unique index m_id on s.m (id)",
        "materialized view s.m",
    ),
    Kind(
        "unpopulated materialized view",
        "refresh materialized view s.m with no data",
        "refresh materialized view s.m",
        "materialized view s.m",
        dumped=False,
    ),
    Kind(
        "owner of a materialized view",
        "alter materialized view s.m owner to drift_one",
        "alter materialized view s.m owner to current_user",
        "materialized view s.m",
    ),
    Kind(
        "option of a materialized view",
        "alter materialized view s.m set (fillfactor = 80)",
        "alter materialized view s.m reset (fillfactor)",
        "materialized view s.m",
    ),
    Kind(
        "statistics of a materialized view's column",
        "alter materialized view s.m alter a set statistics 44",
        "alter materialized view s.m alter a set statistics -1",
        "column s.m.a",
    ),
    Kind(
        "new rule",
        "create rule nr as on insert to s.log do instead nothing",
        "drop rule nr on s.log",
        "rule s.log.nr",
    ),
    Kind(
        "body of a rule",
        "create or replace rule noted as on delete to s.log do instead nothing",
        "create or replace rule noted as on delete to s.log do also nothing",
        "rule s.log.noted",
    ),
    Kind(
        "disabled rule",
        "alter table s.log disable rule noted",
        "alter table s.log enable rule noted",
        "rule s.log.noted",
    ),
    Kind(
        "renamed rule",
        "alter rule noted on s.log rename to note",
        "alter rule note on s.log rename to noted",
        "rule s.log.note",
    ),
    Kind(
        "materialized view that depends on an extension",
        "alter materialized view s.m depends on extension hstore",
        "alter materialized view s.m no depends on extension hstore",
        "materialized view s.m",
    ),
)
