-- Which volatile functions that run with their owner's rights may these roles still call, so that they may write by them?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select format('%%I.%%I(%%s)', n.nspname, f.proname, pg_catalog.pg_get_function_identity_arguments(f.oid)) as name,
       pg_catalog.string_agg(r.rolname::text, ', ' order by r.rolname) as roles
from pg_catalog.pg_proc f
join pg_catalog.pg_namespace n on n.oid = f.pronamespace
join pg_catalog.pg_roles r on r.rolname = any (%(roles)s::text[])
where f.prosecdef and f.provolatile = 'v' and f.prokind in ('f', 'p')
  and f.prorettype not in ('pg_catalog.trigger'::regtype, 'pg_catalog.event_trigger'::regtype)
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'runbooks')
  and pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE')
  and pg_catalog.has_function_privilege(r.oid, f.oid, 'EXECUTE')
group by 1
order by 1
