-- How far have this server's transactions and WAL come, and how much was written to each table of this database so far?
-- Tables of the system that maintenance writes by itself are left out.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint as next_xid,
       pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::bigint as wal,
       (select pg_catalog.jsonb_object_agg(s.schemaname || '.' || s.relname, s.n_tup_ins + s.n_tup_upd + s.n_tup_del)
        from pg_catalog.pg_stat_all_tables s
        where s.schemaname not in ('pg_toast', 'runbooks') and s.schemaname !~ '^pg_(toast_)?temp_'
          and s.relid not in ('pg_catalog.pg_statistic'::regclass, 'pg_catalog.pg_class'::regclass,
                              'pg_catalog.pg_statistic_ext_data'::regclass)
          and s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0) as written,
       (select pg_catalog.jsonb_object_agg(q.schemaname || '.' || q.sequencename, q.last_value)
        from pg_catalog.pg_sequences q
        where q.last_value is not null and q.schemaname <> 'runbooks') as counted
