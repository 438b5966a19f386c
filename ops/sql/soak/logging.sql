-- Which settings, of the server or of a role or database, keep errors or where they happened out of its log?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select s.name, s.setting, s.place
from (
    select g.name::text, g.setting::text, 'the server' as place
    from pg_catalog.pg_settings g
    union all
    select pg_catalog.split_part(c.said, '=', 1),
           pg_catalog.lower(pg_catalog.split_part(c.said, '=', 2)),
           coalesce('the role ' || r.rolname, 'the database')
    from pg_catalog.pg_db_role_setting d
    cross join lateral pg_catalog.unnest(d.setconfig) c (said)
    left join pg_catalog.pg_roles r on r.oid = d.setrole
    where d.setdatabase in (
        0, (select b.oid from pg_catalog.pg_database b where b.datname = pg_catalog.current_database())
    )
) s
where (s.name = 'log_min_messages' and s.setting in ('log', 'fatal', 'panic'))
   or (s.name = 'log_error_verbosity' and s.setting = 'terse')
order by 1, 2, 3
