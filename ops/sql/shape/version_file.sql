-- Which version of an extension a server of our own has instead of one that it lacks, and the file to lead from it there.
-- A superuser's. Locks: none. Lowest version: 15.
select
    default_version,
    coalesce(
        split_part(nullif(current_setting('extension_control_path', true), '$system'), ':', 1),
        (select setting from pg_catalog.pg_config where name = 'SHAREDIR')
    ) || format('/extension/%%s--%%s--%%s.sql', name, default_version, %(version)s::text)
from pg_catalog.pg_available_extensions
where
    name = %(name)s
    and not exists (
        select from pg_catalog.pg_available_extension_versions as known
        where known.name = %(name)s and known.version = %(version)s
    )
