-- What of a server decides whether base backups and WAL archiving work, and how large is it?
-- Locks: none. Lowest version: 15.
select pg_catalog.current_setting('server_version_num')::int / 10000 as major,
       (select c.system_identifier::text from pg_catalog.pg_control_system() c) as system_identifier,
       pg_catalog.pg_is_in_recovery() as standby,
       pg_catalog.current_setting('wal_level') as wal_level,
       pg_catalog.current_setting('max_wal_senders')::int as max_wal_senders,
       pg_catalog.current_setting('archive_mode') as archive_mode,
       pg_catalog.current_setting('archive_command') as archive_command,
       pg_catalog.current_setting('archive_library') as archive_library,
       (select s.setting::int from pg_catalog.pg_settings s where s.name = 'archive_timeout') as archive_timeout,
       pg_catalog.current_setting('summarize_wal', true) as summarize_wal,
       (select s.setting::bigint from pg_catalog.pg_settings s where s.name = 'wal_segment_size') as segment_size,
       (select r.rolreplication or r.rolsuper from pg_catalog.pg_roles r where r.rolname = current_user) as may_replicate,
       (select pg_catalog.sum(pg_catalog.pg_database_size(d.oid))::bigint from pg_catalog.pg_database d
        where pg_catalog.has_database_privilege(d.oid, 'CONNECT')) as size,
       (select pg_catalog.count(*) from pg_catalog.pg_tablespace t
        where t.spcname not in ('pg_default', 'pg_global')) as tablespaces,
       pg_catalog.clock_timestamp() as now
