-- Which server answers, as whom, and what it says about itself and about the connection that reached it.
-- Locks: AccessShare on pg_roles and pg_stat_ssl's function only. Lowest version: 15.
select
    current_database()::text as database,
    current_user::text as role,
    session_user::text as login,
    coalesce((select r.rolsuper from pg_catalog.pg_roles as r where r.rolname = current_user), false) as superuser,
    host(inet_server_addr()) as server_address,
    inet_server_port() as server_port,
    host(inet_client_addr()) as seen_from,
    current_setting('server_version') as server_version,
    current_setting('server_version_num')::int / 10000 as server_major,
    coalesce(s.ssl, false) as server_tls,
    s.version as server_tls_version,
    s.cipher as server_tls_cipher,
    now() as now,
    pg_is_in_recovery() as in_recovery,
    current_setting('transaction_read_only')::boolean as read_only,
    current_setting('default_transaction_read_only')::boolean as read_only_by_default
from (select 1) as one
left join pg_catalog.pg_stat_ssl as s on s.pid = pg_backend_pid()
