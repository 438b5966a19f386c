"""What a statement does to the transaction it stands in, as the parser's tree says."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from postgast import pg_query_pb2 as pb

from ops import lexer


class Nature(StrEnum):
    """How a statement gets on with transactions."""

    ORDINARY = "ordinary"
    BEGIN = "begin"
    COMMIT = "commit"
    COMMIT_AND_CHAIN = "commit and chain"
    ROLLBACK = "rollback"
    PREPARE = "prepare"
    ALONE = "alone"
    """Must run outside a transaction block."""
    MAY_COMMIT = "may commit"
    """Runs in a transaction unless its procedural body ends it, which only the server finds out."""
    MAY_BE_ALONE = "may be alone"
    """Runs in a transaction unless what it works on forbids one, which only the server finds out."""
    ENDS_ITSELF = "ends itself"
    """A DO block that says COMMIT or ROLLBACK."""
    NEW_ENUM_VALUE = "new enum value"


_ALWAYS_ALONE = frozenset(
    {
        "createdb_stmt",
        "dropdb_stmt",
        "alter_system_stmt",
        "create_table_space_stmt",
        "drop_table_space_stmt",
    }
)
# A partitioned table is not reindexed or clustered in a transaction, nor is a replication slot dropped.
_SOMETIMES_ALONE = frozenset(
    {"reindex_stmt", "cluster_stmt", "alter_subscription_stmt", "drop_subscription_stmt"}
)
_TRANSACTION = {
    pb.TRANS_STMT_BEGIN: Nature.BEGIN,
    pb.TRANS_STMT_START: Nature.BEGIN,
    pb.TRANS_STMT_ROLLBACK: Nature.ROLLBACK,
    pb.TRANS_STMT_PREPARE: Nature.PREPARE,
    pb.TRANS_STMT_COMMIT_PREPARED: Nature.ALONE,
    pb.TRANS_STMT_ROLLBACK_PREPARED: Nature.ALONE,
}
_WHOLE = (pb.REINDEX_OBJECT_SCHEMA, pb.REINDEX_OBJECT_SYSTEM, pb.REINDEX_OBJECT_DATABASE)
_SWITCHES_OFF = {"false", "off", "0", "no"}


def of(kind: str, node: pb.Node) -> Nature:
    """Return the nature of a parsed statement."""
    if kind == "transaction_stmt":
        return _of_transaction(node.transaction_stmt)
    if kind == "do_stmt":
        return _of_block(node.do_stmt)
    if kind == "alter_enum_stmt" and node.alter_enum_stmt.new_val and not node.alter_enum_stmt.old_val:
        return Nature.NEW_ENUM_VALUE
    if kind == "call_stmt":
        return Nature.MAY_COMMIT
    if _is_alone(kind, node):
        return Nature.ALONE
    return Nature.MAY_BE_ALONE if kind in _SOMETIMES_ALONE else Nature.ORDINARY


def guess(text: str) -> Nature:
    """Return the nature of a statement that the parser cannot read, such as one of a newer Postgres."""
    words = lexer.words(text)
    head = tuple(words[:2])
    if head in {("alter", "system"), ("create", "database"), ("drop", "database")} or head[:1] == ("vacuum",):
        return Nature.ALONE
    concurrently = "concurrently" in words and head != ("refresh", "materialized")
    return Nature.ALONE if concurrently else Nature.ORDINARY


def _of_transaction(node: pb.TransactionStmt) -> Nature:
    if node.kind == pb.TRANS_STMT_COMMIT:
        return Nature.COMMIT_AND_CHAIN if node.chain else Nature.COMMIT
    return _TRANSACTION.get(node.kind, Nature.ORDINARY)


def _of_block(node: pb.DoStmt) -> Nature:
    bodies = [arg.def_elem.arg.string.sval for arg in node.args if arg.def_elem.defname == "as"]
    return Nature.ENDS_ITSELF if any(_ends_transaction(body) for body in bodies) else Nature.MAY_COMMIT


def _ends_transaction(body: str) -> bool:
    lowered = body.lower()
    if "commit" not in lowered and "rollback" not in lowered:
        return False
    begins = True
    for token in lexer.tokens(body):
        word = body[token.start : token.end].lower()
        if begins and word in {"commit", "rollback"}:
            return True
        begins = token.kind == "semicolon" or word in {"begin", "then", "else", "loop"}
    return False


def _is_alone(kind: str, node: pb.Node) -> bool:
    match kind:
        case "index_stmt":
            return node.index_stmt.concurrent
        case "drop_stmt":
            return node.drop_stmt.concurrent
        case "vacuum_stmt":
            return node.vacuum_stmt.is_vacuumcmd
        case "reindex_stmt":
            stmt = node.reindex_stmt
            return stmt.kind in _WHOLE or _option(stmt.params, "concurrently", default=False)
        case "discard_stmt":
            return node.discard_stmt.target == pb.DISCARD_ALL
        case "cluster_stmt":
            return not node.cluster_stmt.HasField("relation")
        case "alter_table_stmt":
            return any(_detaches_concurrently(cmd.alter_table_cmd) for cmd in node.alter_table_stmt.cmds)
        case "alter_database_stmt":
            return any(option.def_elem.defname == "tablespace" for option in node.alter_database_stmt.options)
        case "create_subscription_stmt":
            options = node.create_subscription_stmt.options
            return _option(options, "connect", default=True) and _option(options, "create_slot", default=True)
        case _:
            return kind in _ALWAYS_ALONE


def _detaches_concurrently(command: pb.AlterTableCmd) -> bool:
    return getattr(command, "def").partition_cmd.concurrent


def _option(options: Iterable[pb.Node], name: str, *, default: bool) -> bool:
    for element in (option.def_elem for option in options):
        if element.defname == name:
            return element.arg.string.sval.lower() not in _SWITCHES_OFF and not (
                element.arg.HasField("integer") and element.arg.integer.ival == 0
            )
    return default
