"""Changes to constraints."""

# ruff: noqa: E501 - a change is a line of SQL

from tests.drift.kind import Kind

_T = "alter table s.t "
_C = "alter table s.child "
_FK = _C + "add constraint fk foreign key (parent_id) references s.parent (id) "


def _instead(name: str, left: str, right: str, sees: str = "", **more: int) -> Kind:
    """A constraint of s.child in two forms."""
    table = f"c_{name.replace(' ', '_').replace('-', '_')}"
    add = f"alter table s.{table} add constraint {table}_k "
    drop = f"alter table s.{table} drop constraint {table}_k; "
    extension = "create extension btree_gist; " if "with =, " in left else ""
    setup = (
        f"{extension}create table s.{table} (id int, parent_id int, span int4range, name text); {add}{left}"
    )
    return Kind(
        name,
        drop + add + right,
        drop + add + left,
        sees or f"constraint s.{table}.{table}_k",
        setup=setup,
        **more,
    )


_REF = "foreign key (parent_id) references s.parent (id) "

KINDS = (
    Kind(
        "check",
        _T + "add constraint positive check (a > 0)",
        _T + "drop constraint positive",
        "constraint s.t.positive",
    ),
    _instead("expression of a check", "check (id > 0)", "check (id > 1)"),
    _instead("check without inheritance", "check (id > 0)", "check (id > 0) no inherit"),
    _instead("check not valid", "check (id > 0)", "check (id > 0) not valid"),
    _instead("check not enforced", "check (id > 0)", "check (id > 0) not enforced", since=18),
    Kind("unique", _T + "add constraint u unique (a)", _T + "drop constraint u", "constraint s.t.u"),
    _instead("unique columns", "unique (id)", "unique (id, parent_id)"),
    _instead("unique deferrable", "unique (id)", "unique (id) deferrable"),
    _instead(
        "unique initially deferred", "unique (id) deferrable", "unique (id) deferrable initially deferred"
    ),
    _instead("unique nulls not distinct", "unique (id)", "unique nulls not distinct (id)"),
    _instead("unique include", "unique (id)", "unique (id) include (name)"),
    _instead(
        "unique fillfactor",
        "unique (id)",
        "unique (id) with (fillfactor = 50)",
        "index s.c_unique_fillfactor_k",
    ),
    _instead(
        "unique without overlaps",
        "exclude using gist (id with =, span with &&)",
        "unique (id, span without overlaps)",
        since=18,
    ),
    Kind(
        "dropped primary key",
        "alter table s.pk drop constraint pk_pkey",
        "alter table s.pk add primary key (id)",
        "constraint s.pk.pk_pkey",
        setup="create table s.pk (id int primary key)",
    ),
    Kind(
        "name of a primary key",
        "alter table s.t rename constraint t_pkey to t_key",
        "alter table s.t rename constraint t_key to t_pkey",
        "constraint s.t.t_key",
    ),
    Kind("foreign key", _FK, _C + "drop constraint fk", "constraint s.child.fk"),
    _instead("foreign key on delete", _REF, _REF + "on delete cascade"),
    _instead(
        "foreign key on delete of columns",
        _REF + "on delete set null",
        _REF + "on delete set null (parent_id)",
    ),
    _instead("foreign key on update", _REF, _REF + "on update restrict"),
    _instead("foreign key match full", _REF, _REF + "match full"),
    _instead("foreign key deferrable", _REF, _REF + "deferrable"),
    _instead("foreign key deferred", _REF, _REF + "deferrable initially deferred"),
    _instead("foreign key not valid", _REF, _REF + "not valid"),
    _instead("foreign key not enforced", _REF, _REF + "not enforced", since=18),
    _instead("exclusion", "exclude using gist (span with &&)", "exclude using gist (span with =)"),
    _instead(
        "partial exclusion",
        "exclude using gist (span with &&)",
        "exclude using gist (span with &&) where (id > 0)",
    ),
    _instead(
        "deferrable exclusion",
        "exclude using gist (span with &&)",
        "exclude using gist (span with &&) deferrable",
    ),
    Kind(
        "foreign key over periods",
        "alter table s.per_ref add constraint per_fk foreign key (id, period span) references s.per (id, period span)",
        "alter table s.per_ref drop constraint per_fk",
        "constraint s.per_ref.per_fk",
        setup="create table s.per (id int4range, span daterange, primary key (id, span without overlaps)); "
        "create table s.per_ref (id int4range, span daterange)",
        since=18,
    ),
    Kind(
        "validated foreign key",
        "alter table s.nv validate constraint k",
        "alter table s.nv drop constraint k; alter table s.nv add constraint k foreign key (p) references s.parent (id) not valid",
        "constraint s.nv.k",
        setup="create table s.nv (p int); alter table s.nv add constraint k foreign key (p) references s.parent (id) not valid",
    ),
    Kind(
        "altered foreign key",
        "alter table s.af alter constraint k deferrable initially deferred",
        "alter table s.af alter constraint k not deferrable",
        "constraint s.af.k",
        setup="create table s.af (p int constraint k references s.parent (id))",
    ),
    Kind(
        "name of a constraint",
        "alter table s.af2 rename constraint k to kk",
        "alter table s.af2 rename constraint kk to k",
        "constraint s.af2.kk",
        setup="create table s.af2 (p int constraint k check (p > 0))",
    ),
    Kind(
        "name of a not null",
        "alter table s.nn alter a drop not null; alter table s.nn add constraint mine not null a",
        "alter table s.nn alter a drop not null; alter table s.nn alter a set not null",
        "constraint s.nn.mine",
        setup="create table s.nn (a int not null)",
        since=18,
    ),
    Kind(
        "not null not valid",
        "alter table s.nn2 add constraint mine not null a not valid",
        "alter table s.nn2 drop constraint mine",
        "constraint s.nn2.mine",
        setup="create table s.nn2 (a int)",
        since=18,
    ),
    Kind(
        "not null without inheritance",
        "alter table s.nn3 alter a drop not null; alter table s.nn3 add constraint nn3_a_not_null not null a no inherit",
        "alter table s.nn3 alter a drop not null; alter table s.nn3 alter a set not null",
        "constraint s.nn3.nn3_a_not_null",
        setup="create table s.nn3 (a int not null)",
        since=18,
    ),
    Kind(
        "constraint of a child only",
        "alter table s.chk_kid add check (id > 3)",
        "alter table s.chk_kid drop constraint chk_kid_id_check",
        "constraint s.chk_kid.chk_kid_id_check",
        setup="create table s.chk_pa (id int); create table s.chk_kid () inherits (s.chk_pa)",
    ),
    Kind(
        "foreign key of a partitioned table",
        "alter table s.part add constraint pfk foreign key (id) references s.parent (id)",
        "alter table s.part drop constraint pfk",
        "constraint s.part.pfk",
    ),
    Kind(
        "check against an inherited one",
        "alter table s.ck_pa drop constraint k; alter table s.ck_pa add constraint k check (id > 0) no inherit",
        "alter table s.ck_pa drop constraint k; alter table s.ck_pa add constraint k check (id > 0)",
        "constraint s.ck_kid.k",
        setup="create table s.ck_pa (id int constraint k check (id > 0)); create table s.ck_kid () inherits (s.ck_pa)",
    ),
)
