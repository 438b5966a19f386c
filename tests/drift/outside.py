"""Changes to extensions, publications, subscriptions and foreign data."""

from tests.drift.kind import Kind

_PUB = "alter publication pub "
_SUB = "alter subscription sub "
_FT = "alter foreign table s.ft "

KINDS = (
    Kind("new extension", "create extension citext", "drop extension citext", "extension citext"),
    Kind(
        "extension in another schema",
        "alter extension ltree set schema other",
        "alter extension ltree set schema public",
        "extension ltree",
        setup="create extension ltree",
    ),
    Kind(
        "version of an extension",
        "alter extension intarray update to '1.5'",
        "drop extension intarray; create extension intarray version '1.3'",
        "extension intarray",
        setup="create extension intarray version '1.3'",
        dumped=False,
    ),
    Kind(
        "member of an extension",
        "alter extension ltree add function s.f(int)",
        "alter extension ltree drop function s.f(int)",
        "function s.f(integer)",
    ),
    Kind("new publication", "create publication np", "drop publication np", "publication np"),
    Kind(
        "publication of all tables",
        "drop publication allp; create publication allp for all tables",
        "drop publication allp; create publication allp",
        "publication allp",
        setup="create publication allp",
    ),
    Kind(
        "operations of a publication",
        _PUB + "set (publish = 'insert')",
        _PUB + "set (publish = 'insert, update, delete, truncate')",
        "publication pub",
    ),
    Kind(
        "publication through the root",
        _PUB + "set (publish_via_partition_root = true)",
        _PUB + "set (publish_via_partition_root = false)",
        "publication pub",
    ),
    Kind(
        "publication of generated columns",
        _PUB + "set (publish_generated_columns = stored)",
        _PUB + "set (publish_generated_columns = none)",
        "publication pub",
        since=18,
    ),
    Kind("published table", _PUB + "add table s.t", _PUB + "drop table s.t", "publication table pub: s.t"),
    Kind(
        "published columns",
        "alter publication pub2 set table s.parent (id)",
        "alter publication pub2 set table s.parent",
        "publication table pub2: s.parent",
    ),
    Kind(
        "published rows",
        "alter publication pub2 set table s.parent where (id > 0)",
        "alter publication pub2 set table s.parent",
        "publication table pub2: s.parent",
    ),
    Kind(
        "published schema",
        "alter publication pub2 add tables in schema other",
        "alter publication pub2 drop tables in schema other",
        "publication schema pub2: other",
    ),
    Kind(
        "owner of a publication",
        _PUB + "owner to drift_super",
        _PUB + "owner to current_user",
        "publication pub",
    ),
    Kind(
        "renamed publication",
        _PUB + "rename to pubs",
        "alter publication pubs rename to pub",
        "publication pubs",
    ),
    Kind(
        "renamed table of a publication",
        "alter table s.parent rename to parents",
        "alter table s.parents rename to parent",
        "table s.parents",
    ),
    Kind(
        "renamed column of a publication",
        "alter table s.rp rename a to aa",
        "alter table s.rp rename aa to a",
        "publication table rpub: s.rp",
        setup="create table s.rp (a int); create publication rpub for table s.rp (a)",
    ),
    Kind(
        "new subscription",
        "create subscription ns connection 'dbname=nowhere' publication p with (connect = false, slot_name = none)",
        "drop subscription ns",
        "subscription ns",
    ),
    Kind(
        "publications of a subscription",
        _SUB + "set publication p, q with (refresh = false)",
        _SUB + "set publication p with (refresh = false)",
        "subscription sub",
        subscription="sub",
    ),
    Kind(
        "binary subscription", _SUB + "set (binary = true)", _SUB + "set (binary = false)", "subscription sub"
    ),
    Kind(
        "streaming subscription",
        _SUB + "set (streaming = on)",
        _SUB + "set (streaming = off)",
        "subscription sub",
    ),
    Kind(
        "synchronous commit of a subscription",
        _SUB + "set (synchronous_commit = local)",
        _SUB + "set (synchronous_commit = off)",
        "subscription sub",
    ),
    Kind(
        "disabling subscription",
        _SUB + "set (disable_on_error = true)",
        _SUB + "set (disable_on_error = false)",
        "subscription sub",
    ),
    Kind(
        "origin of a subscription",
        _SUB + "set (origin = none)",
        _SUB + "set (origin = any)",
        "subscription sub",
        since=16,
    ),
    Kind(
        "connection of a subscription",
        _SUB + "connection 'dbname=elsewhere'",
        _SUB + "connection 'dbname=nowhere'",
        "subscription connection sub",
    ),
    Kind(
        "owner of a subscription",
        _SUB + "owner to drift_super",
        _SUB + "owner to current_user",
        "subscription sub",
    ),
    Kind(
        "slot of a subscription",
        _SUB + "set (slot_name = 'mine')",
        _SUB + "set (slot_name = none)",
        "subscription sub",
    ),
    Kind(
        "new wrapper",
        "create foreign data wrapper nw",
        "drop foreign data wrapper nw",
        "foreign data wrapper nw",
    ),
    Kind(
        "option of a wrapper",
        "alter foreign data wrapper w options (debug 'true')",
        "alter foreign data wrapper w options (drop debug)",
        "foreign data wrapper w",
    ),
    Kind(
        "owner of a wrapper",
        "alter foreign data wrapper w owner to drift_super",
        "alter foreign data wrapper w owner to current_user",
        "foreign data wrapper w",
    ),
    Kind(
        "handler of a wrapper",
        "alter foreign data wrapper w handler postgres_fdw_handler",
        "alter foreign data wrapper w no handler",
        "foreign data wrapper w",
        setup="create extension postgres_fdw",
    ),
    Kind("new server", "create server ns foreign data wrapper w", "drop server ns", "server ns"),
    Kind(
        "option of a server",
        "alter server sv options (host 'a')",
        "alter server sv options (drop host)",
        "server sv",
    ),
    Kind(
        "version of a server",
        "drop server sv2; create server sv2 version '2' foreign data wrapper w",
        "drop server sv2; create server sv2 version '1' foreign data wrapper w",
        "server sv2",
        setup="create server sv2 version '1' foreign data wrapper w",
    ),
    Kind(
        "owner of a server",
        "alter server sv owner to drift_super",
        "alter server sv owner to current_user",
        "server sv",
    ),
    Kind(
        "renamed server",
        "alter server sv rename to svv",
        "alter server svv rename to sv",
        "foreign table s.ft",
    ),
    Kind(
        "new user mapping",
        "create user mapping for drift_one server sv",
        "drop user mapping for drift_one server sv",
        "user mapping sv for drift_one",
    ),
    Kind(
        "option of a user mapping",
        "alter user mapping for drift_two server sv options (password 'x')",
        "alter user mapping for drift_two server sv options (drop password)",
        "user mapping options sv for drift_two",
        setup="create user mapping for drift_two server sv",
    ),
    Kind(
        "user mapping of everybody",
        "create user mapping for public server sv",
        "drop user mapping for public server sv",
        "user mapping sv for public",
    ),
    Kind(
        "new foreign table",
        "create foreign table s.nft (a int) server sv",
        "drop foreign table s.nft",
        "foreign table s.nft",
    ),
    Kind(
        "option of a foreign table", _FT + "options (t 'x')", _FT + "options (drop t)", "foreign table s.ft"
    ),
    Kind(
        "option of a foreign column",
        _FT + "alter a options (c 'x')",
        _FT + "alter a options (drop c)",
        "column s.ft.a",
    ),
    Kind(
        "owner of a foreign table",
        _FT + "owner to drift_one",
        _FT + "owner to current_user",
        "foreign table s.ft",
    ),
    Kind(
        "check of a foreign table",
        _FT + "add constraint k check (a > 0)",
        _FT + "drop constraint k",
        "constraint s.ft.k",
    ),
    Kind(
        "trigger of a foreign table",
        "create trigger n before insert on s.ft for each row execute function s.touch()",
        "drop trigger n on s.ft",
        "trigger s.ft.n",
    ),
)
