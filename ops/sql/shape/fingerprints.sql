-- What each relation of the platform's schemas looks like, by oid.
-- Locks: none. Lowest version: 15.
select jsonb_object_agg(oid, supabase_functions.platform_fingerprint(oid))::text
from pg_catalog.pg_class
where relnamespace in (
    select oid from pg_catalog.pg_namespace
    where nspname in ('auth', 'storage', 'realtime', '_realtime', 'supabase_functions')
)
