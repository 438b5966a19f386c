-- Put settings back to what they were.
-- Locks: none. Lowest version: 15.
select pg_catalog.set_config(s.name, s.value, true)
from rows from (pg_catalog.unnest(%(names)s::text[]), pg_catalog.unnest(%(values)s::text[])) as s (name, value)
