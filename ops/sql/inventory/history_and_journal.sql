-- Every row of the history table beside the last journal row of its version; statements only where they are needed.
-- Locks: AccessShare on the two tables. Lowest version: 15.
-- The hashes are read once, not once for each row.
with known as materialized (
    select %(hashes)s::jsonb as hashes
),
last as (
    select distinct on (j.version) j.version, j.action, j.sha256
    from runbooks.journal as j
    where j.action in ('apply', 'rollback')
    order by j.version asc, j.id desc
)

select
    h.version,
    coalesce(to_jsonb(h) ->> 'name', '') as name,
    case
        when l.action = 'apply' and l.sha256 = k.hashes ->> h.version then null
        when jsonb_typeof(to_jsonb(h) -> 'statements') = 'array' then to_jsonb(h) -> 'statements'
    end as statements,
    case when l.action = 'apply' then l.sha256 end as sha256,
    coalesce(l.action = 'apply', false) as journaled
from supabase_migrations.schema_migrations as h
cross join known as k
left join last as l on l.version = h.version
order by h.version
