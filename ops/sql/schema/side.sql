-- Which database is this, as whom is it read, and which version says so?
-- Locks: none. Lowest version: 15.
select pg_catalog.current_database()::text, current_user::text, pg_catalog.current_setting('server_version'),
       pg_catalog.current_setting('server_version_num')::integer / 10000
