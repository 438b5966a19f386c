-- The schemas of a hosted project, who may use them, and the publication that realtime reads.
-- For each database once; PostgreSQL 15 and newer.

create schema if not exists extensions authorization postgres;
create schema auth authorization supabase_auth_admin;
create schema storage authorization supabase_storage_admin;
create schema realtime authorization supabase_admin;
create schema _realtime authorization postgres;
create schema supabase_functions authorization supabase_admin;
create schema graphql authorization supabase_admin;
create schema graphql_public authorization supabase_admin;
create schema vault authorization supabase_admin;
create schema pgsodium authorization supabase_admin;
create schema pgbouncer authorization pgbouncer;

-- What only stands in for a service says so itself: this is how the evidence knows it from the real one.
comment on schema auth is 'stands in for Supabase Auth';
comment on schema storage is 'stands in for Supabase Storage';
comment on schema realtime is 'stands in for Supabase Realtime';
comment on schema supabase_functions is 'stands in for database webhooks';

grant usage on schema public, extensions, graphql, graphql_public
    to postgres, anon, authenticated, service_role;
grant all on schema extensions to dashboard_user;
grant usage on schema storage, realtime to postgres with grant option;
grant usage on schema auth, storage, realtime, supabase_functions
    to postgres, anon, authenticated, service_role, dashboard_user;
grant all on schema supabase_functions to supabase_functions_admin;
-- A hosted project has this schema only once webhooks were enabled: before that a migration makes what it needs there.
grant create on schema supabase_functions to postgres;
grant all on schema realtime to supabase_realtime_admin;
grant all on schema auth, storage to dashboard_user;
grant execute on function pg_catalog.pg_reload_conf() to postgres with grant option;

create publication supabase_realtime;
alter publication supabase_realtime owner to postgres;
