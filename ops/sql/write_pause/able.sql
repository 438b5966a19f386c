-- Which of these roles may still write what, by whatever way they have come to it (a grant, a membership, ownership)?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select r.rolname::text as role,
       case c.relkind when 'S' then 'sequence' when 'v' then 'view' else 'table' end as kind,
       format('%%I.%%I', n.nspname, c.relname) as name,
       -- No row is touched even where one of these is let through.
       case c.relkind
           when 'S' then array[format('select nextval(%%L)', format('%%I.%%I', n.nspname, c.relname))]
           when 'v' then '{}'
           else array[format('delete from %%I.%%I where false', n.nspname, c.relname)] || coalesce(w.texts, '{}')
       end as tries,
       case c.relkind
           when 'S' then pg_catalog.has_sequence_privilege(r.oid, c.oid, 'USAGE, UPDATE')
           else pg_catalog.has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
                or pg_catalog.has_any_column_privilege(r.oid, c.oid, 'INSERT, UPDATE')
       end as able,
       pg_catalog.pg_has_role(r.oid, c.relowner, 'usage') as owns,
       r.rolsuper as superuser,
       pg_catalog.pg_get_userbyid(c.relowner)::text as owner,
       pg_catalog.pg_has_role(
           r.oid, case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end
       ) as can_become
from pg_catalog.pg_roles r
cross join pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join lateral (
    select array[format('insert into %%I.%%I (%%I) select null where false', n.nspname, c.relname, a.attname),
                 format('update %%I.%%I set %%I = null where false', n.nspname, c.relname, a.attname)] as texts
    from pg_catalog.pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      and a.attgenerated = '' and a.attidentity <> 'a'
    order by a.attnum
    limit 1
) w on true
where r.rolname = any (%(roles)s::text[])
  and c.relkind in ('r', 'p', 'v', 'f', 'S') and c.relpersistence <> 't'
  and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'runbooks')
order by 1, 3
