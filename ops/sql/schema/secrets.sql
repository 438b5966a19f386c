-- Which secrets do user mappings and subscriptions hold? (for superusers; only whether they are the same is said)
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select 0::bigint, 0::bigint, 'user mapping options' as kind, pg_catalog.format('%%I for %%I', u.srvname, u.usename) as identity,
       pg_catalog.md5(%(salt)s::text || pg_catalog.array_to_string(u.umoptions, ', ')) as definition
from pg_catalog.pg_user_mappings u
where u.umoptions is not null
union all
select 0, 0, 'subscription connection', pg_catalog.quote_ident(s.subname),
       pg_catalog.md5(%(salt)s::text || s.subconninfo)
from pg_catalog.pg_subscription s
where s.subdbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
