-- Which blocks of one database's catalogs were written between two positions of the WAL?
-- Locks: none. Lowest version: 16, with pg_walinspect.
select distinct b.relfilenode::bigint, b.relblocknumber::bigint
from pg_get_wal_block_info(%(start)s::text::pg_lsn, %(end)s::text::pg_lsn, false) b
where b.relforknumber = 0 and b.reldatabase = %(database)s::bigint::oid and b.relfilenode = any (%(filenodes)s::oid[])
