-- How far is the WAL flushed, is that all of it, how many bytes is that from the last position, and which blocks of one
-- database's catalogs, or of the whole cluster's, were written in between (if that is not too far to read)?
-- Locks: none. Lowest version: 16, with pg_walinspect.
with reached as materialized (
    select f.flushed, f.written <= f.flushed as whole,
           pg_catalog.pg_wal_lsn_diff(f.flushed, %(start)s::text::pg_lsn)::bigint as bytes
    from (select pg_catalog.pg_current_wal_insert_lsn(), pg_catalog.pg_current_wal_flush_lsn()) as f (written, flushed)
)
select r.flushed::text, r.whole, r.bytes, b.reldatabase = 0, b.relfilenode::bigint, b.relblocknumber::bigint
from reached r
left join lateral (
    select distinct b.reldatabase, b.relfilenode, b.relblocknumber
    -- Of nothing, which is what a NULL gives, where there is no WAL: it would be an error.
    from pg_catalog.pg_get_wal_block_info(
        case when r.bytes between 1 and %(farthest)s::bigint then %(start)s::text::pg_lsn end, r.flushed, false) b
    where b.relforknumber = 0
      and (b.reldatabase = %(database)s::bigint::oid and b.relfilenode = any (%(filenodes)s::oid[])
           or b.reldatabase = 0 and b.relfilenode = any (%(shared)s::oid[]))
) b on true
