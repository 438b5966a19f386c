-- How far is the WAL flushed, how many bytes is that from the last position, and which blocks of one database's catalogs,
-- or of the whole cluster's, were written in between (if that is not too far to read)?
-- Locks: none. Lowest version: 16, with pg_walinspect.
with reached as materialized (
    select f.flushed, pg_catalog.pg_wal_lsn_diff(f.flushed, %(start)s::text::pg_lsn)::bigint as bytes
    from pg_catalog.pg_current_wal_flush_lsn() as f (flushed)
)
select r.flushed::text, r.bytes, b.reldatabase = 0, b.relfilenode::bigint, b.relblocknumber::bigint
from reached r
left join lateral (
    select distinct b.reldatabase, b.relfilenode, b.relblocknumber
    from pg_catalog.pg_get_wal_block_info(%(start)s::text::pg_lsn, r.flushed, false) b
    where b.relforknumber = 0
      and (b.reldatabase = %(database)s::bigint::oid and b.relfilenode = any (%(filenodes)s::oid[])
           or b.reldatabase = 0 and b.relfilenode = any (%(shared)s::oid[]))
) b on r.bytes between 1 and %(farthest)s::bigint
