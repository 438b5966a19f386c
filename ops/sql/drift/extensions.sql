-- Which version would each extension have by itself on this server, and which comment?
-- Locks: none. Lowest version: 15.
select name::text, default_version::text, comment::text
from pg_catalog.pg_available_extensions
