-- What only stands in for the real thing: extensions by the comment of their control file, services by their schema's.
-- Locks: none. Lowest version: 15.
select extname
from pg_catalog.pg_extension
join pg_catalog.pg_available_extensions on name = extname
where starts_with(comment, 'stands in for')
union all
select nspname || ' (schema)'
from pg_catalog.pg_namespace
where starts_with(obj_description(oid, 'pg_namespace'), 'stands in for')
order by 1
