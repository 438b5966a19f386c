-- What does this database say about being read-only by default, whether this login may change that, and which roles have
-- a word of their own about it?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select pg_catalog.pg_has_role(d.datdba, 'usage') as ours,
       (select pg_catalog.split_part(c.said, '=', 2)
        from pg_catalog.pg_db_role_setting s
        cross join lateral pg_catalog.unnest(s.setconfig) as c (said)
        where s.setdatabase = d.oid and s.setrole = 0 and pg_catalog.starts_with(c.said, 'default_transaction_read_only=')) as value,
       array(
           select distinct r.rolname::text
           from pg_catalog.pg_db_role_setting s
           join pg_catalog.pg_roles r on r.oid = s.setrole
           cross join lateral pg_catalog.unnest(s.setconfig) as c (said)
           where s.setdatabase in (0, d.oid)
             and c.said in ('default_transaction_read_only=off', 'default_transaction_read_only=false')
           order by 1
       ) as overriding
from pg_catalog.pg_database d
where d.datname = current_database()
