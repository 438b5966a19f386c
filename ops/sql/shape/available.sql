-- Whether this server can create an extension.
-- Locks: none. Lowest version: 15.
select true from pg_catalog.pg_available_extensions where name = %(name)s
