-- The next object's oid: a large object takes it and is gone again.
-- Locks: none that anybody waits for. Lowest version: 15.
with taken as materialized (select lo_creat(-1) as oid) select oid::bigint from taken where lo_unlink(oid) = 1
