-- Which prepared transactions has nobody ended for long?
-- Locks: none. Lowest version: 15.
select p.gid as name, p.owner as role, p.database, p.prepared as since
from pg_catalog.pg_prepared_xacts p
where p.prepared < pg_catalog.clock_timestamp() - %(transaction)s::interval
order by p.prepared
