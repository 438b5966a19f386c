-- The schemas of a hosted project, who may use them, and the extensions that every project starts with.
-- Loaded once per database; PostgreSQL 15 and newer.

create schema extensions;
create schema auth authorization supabase_auth_admin;
create schema storage authorization supabase_storage_admin;
create schema realtime authorization supabase_admin;
create schema _realtime authorization postgres;
create schema supabase_functions authorization supabase_admin;
create schema graphql_public;
create schema pgbouncer authorization pgbouncer;

create extension if not exists pgcrypto with schema extensions;
create extension if not exists "uuid-ossp" with schema extensions;
create extension if not exists pg_stat_statements with schema extensions;
create extension if not exists supabase_vault;

grant usage on schema public, extensions, graphql_public
    to postgres, anon, authenticated, service_role;
grant all on schema extensions to postgres, dashboard_user;
grant usage on schema auth, storage, realtime, supabase_functions
    to postgres, anon, authenticated, service_role, dashboard_user;
grant all on schema supabase_functions to supabase_functions_admin;
grant all on schema realtime to supabase_realtime_admin;
grant all on all tables in schema extensions to postgres with grant option;
grant all on all routines in schema extensions to postgres with grant option;
grant all on all sequences in schema extensions to postgres with grant option;

create publication supabase_realtime;
alter publication supabase_realtime owner to postgres;
create publication supabase_realtime_messages_publication;
