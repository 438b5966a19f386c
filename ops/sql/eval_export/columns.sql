-- Of which types are these columns of a table? No row: there is no such column, or no such table.
-- Locks: none. Lowest version: 15.
select a.attname::text, coalesce(nullif(t.typbasetype, 0), t.oid)::regtype::text
from pg_attribute a
join pg_type t on t.oid = a.atttypid
where a.attrelid = to_regclass(format('%%I.%%I', %(schema)s::text, %(name)s::text))
  and a.attname = any(%(columns)s::text[])
  and a.attnum > 0
  and not a.attisdropped
