-- Which tables may these roles write to again, the easiest to try first: without triggers, without row level security?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select r.rolname::text as role, format('%%I.%%I', n.nspname, c.relname) as name,
       (select format('%%I', a.attname) from pg_catalog.pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
          and a.attidentity <> 'a'
          and pg_catalog.has_column_privilege(r.oid, c.oid, a.attnum, 'UPDATE')
        order by a.attnum desc limit 1) as a_column
from pg_catalog.pg_roles r
cross join pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where r.rolname = any (%(roles)s::text[])
  and pg_catalog.pg_has_role(
      r.oid, case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end
  )
  and c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence = 'p'
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'runbooks')
  and pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE')
  and pg_catalog.has_any_column_privilege(r.oid, c.oid, 'UPDATE')
order by r.rolname, c.relhastriggers, c.relrowsecurity and not r.rolbypassrls, n.nspname <> 'public', c.relname
