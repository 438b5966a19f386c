"""Changes to triggers, event triggers and policies."""

# ruff: noqa: E501 - a change is a line of SQL

from tests.drift.kind import Kind

_NEXT = iter(range(100))
_RUN = "for each row execute function s.touch()"


def _trigger(name: str, left: str, right: str, kind: str = "") -> Kind:
    """A trigger in two forms; each is what follows the name."""
    table = f"s.tr_{next(_NEXT)}"
    create, drop = f"create {kind} trigger g ", f"drop trigger g on {table}; "
    left, right = left.replace("TABLE", table), right.replace("TABLE", table)
    return Kind(
        name,
        drop + create + right,
        drop + create + left,
        f"trigger {table}.g",
        setup=f"create table {table} (a int, b int); {create}{left}",
    )


def _policy(name: str, left: str, right: str) -> Kind:
    table = f"s.po_{next(_NEXT)}"
    create, drop = f"create policy p on {table} ", f"drop policy p on {table}; "
    return Kind(
        name,
        drop + create + right,
        drop + create + left,
        f"policy {table}.p",
        setup=f"create table {table} (a int); {create}{left}",
    )


KINDS = (
    Kind(
        "new trigger",
        f"create trigger n after insert on s.t {_RUN}",
        "drop trigger n on s.t",
        "trigger s.t.n",
    ),
    Kind(
        "dropped trigger",
        "drop trigger touched on s.t",
        f"create trigger touched before update on s.t {_RUN}",
        "trigger s.t.touched",
    ),
    Kind(
        "disabled trigger",
        "alter table s.t disable trigger touched",
        "alter table s.t enable trigger touched",
        "trigger s.t.touched",
    ),
    Kind(
        "always enabled trigger",
        "alter table s.t enable always trigger touched",
        "alter table s.t enable trigger touched",
        "trigger s.t.touched",
    ),
    Kind(
        "trigger of replicas",
        "alter table s.t enable replica trigger touched",
        "alter table s.t enable trigger touched",
        "trigger s.t.touched",
    ),
    Kind(
        "renamed trigger",
        "alter trigger touched on s.t rename to touch",
        "alter trigger touch on s.t rename to touched",
        "trigger s.t.touch",
    ),
    Kind(
        "trigger that depends on an extension",
        "alter trigger touched on s.t depends on extension hstore",
        "alter trigger touched on s.t no depends on extension hstore",
        "trigger s.t.touched",
    ),
    Kind(
        "trigger of a view",
        "create trigger n instead of insert on s.v for each row execute function s.touch()",
        "drop trigger n on s.v",
        "trigger s.v.n",
    ),
    Kind(
        "trigger of a partitioned table",
        f"create trigger n after insert on s.part {_RUN}",
        "drop trigger n on s.part",
        "trigger s.part.n",
    ),
    Kind(
        "disabled trigger of one partition",
        "alter table s.trp_1 disable trigger n",
        "alter table s.trp_1 enable trigger n",
        "trigger s.trp_1.n",
        setup=f"create table s.trp (a int) partition by list (a); create table s.trp_1 partition of s.trp default; create trigger n after insert on s.trp {_RUN}",
    ),
    _trigger(
        "condition of a trigger",
        f"after update on TABLE {_RUN}",
        "after update on TABLE for each row when (old.a <> new.a) execute function s.touch()",
    ),
    _trigger("columns of a trigger", f"after update on TABLE {_RUN}", f"after update of a on TABLE {_RUN}"),
    _trigger(
        "arguments of a trigger",
        f"after update on TABLE {_RUN}",
        "after update on TABLE for each row execute function s.touch('x')",
    ),
    _trigger(
        "transition tables",
        "after update on TABLE execute function s.touch()",
        "after update on TABLE referencing old table as o new table as n execute function s.touch()",
    ),
    _trigger(
        "deferred constraint trigger",
        f"after update on TABLE {_RUN}",
        f"after update on TABLE deferrable initially deferred {_RUN}",
        "constraint",
    ),
    _trigger(
        "event of a trigger", f"before insert on TABLE {_RUN}", f"before insert or delete on TABLE {_RUN}"
    ),
    Kind(
        "new event trigger",
        "create event trigger ne on ddl_command_end execute function s.on_ddl()",
        "drop event trigger ne",
        "event trigger ne",
    ),
    Kind(
        "disabled event trigger",
        "alter event trigger watch disable",
        "alter event trigger watch enable",
        "event trigger watch",
    ),
    Kind(
        "event trigger for replicas",
        "alter event trigger watch enable replica",
        "alter event trigger watch enable",
        "event trigger watch",
    ),
    Kind(
        "owner of an event trigger",
        "alter event trigger watch owner to drift_super",
        "alter event trigger watch owner to current_user",
        "event trigger watch",
    ),
    Kind(
        "tags of an event trigger",
        "drop event trigger watch; create event trigger watch on ddl_command_end when tag in ('CREATE TABLE', 'DROP TABLE') execute function s.on_ddl()",
        "drop event trigger watch; create event trigger watch on ddl_command_end when tag in ('CREATE TABLE') execute function s.on_ddl()",
        "event trigger watch",
        setup="create function s.on_ddl() returns event_trigger language plpgsql as 'begin end'; create event trigger watch on ddl_command_end when tag in ('CREATE TABLE') execute function s.on_ddl()",
    ),
    Kind("new policy", "create policy np on s.t using (true)", "drop policy np on s.t", "policy s.t.np"),
    Kind(
        "dropped policy",
        "drop policy own on s.t",
        "create policy own on s.t for select to drift_one using (a > 0)",
        "policy s.t.own",
    ),
    Kind(
        "renamed policy",
        "alter policy own on s.t rename to mine",
        "alter policy mine on s.t rename to own",
        "policy s.t.mine",
    ),
    Kind(
        "using of a policy",
        "alter policy own on s.t using (a > 1)",
        "alter policy own on s.t using (a > 0)",
        "policy s.t.own",
    ),
    Kind(
        "roles of a policy",
        "alter policy own on s.t to drift_one, drift_two",
        "alter policy own on s.t to drift_one",
        "policy s.t.own",
    ),
    Kind(
        "policy for everybody",
        "alter policy own on s.t to public",
        "alter policy own on s.t to drift_one",
        "policy s.t.own",
    ),
    _policy("check of a policy", "using (a > 0)", "using (a > 0) with check (a > 1)"),
    _policy("restrictive policy", "using (true)", "as restrictive using (true)"),
    _policy("command of a policy", "for update using (true)", "for delete using (true)"),
)
