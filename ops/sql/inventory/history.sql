-- Every row of the Supabase CLI's history table; older CLIs made it without name and statements.
-- Locks: AccessShare on supabase_migrations.schema_migrations. Lowest version: 15.
select
    h.version,
    coalesce(to_jsonb(h) ->> 'name', '') as name,
    case when jsonb_typeof(to_jsonb(h) -> 'statements') = 'array' then to_jsonb(h) -> 'statements' end
        as statements,
    null::text as sha256,
    false as journaled
from supabase_migrations.schema_migrations as h
order by h.version
