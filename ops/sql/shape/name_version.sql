-- Makes a version of an extension one that this server knows, and answers which version it has instead.
-- Nothing is answered, or made, where there is no such extension or it has that version. A superuser's, on a
-- server of our own. Locks: none that anybody waits for. Lowest version: 15.
with extension as (
    select name, default_version
    from pg_catalog.pg_available_extensions
    where
        name = %(name)s
        and not exists (
            select from pg_catalog.pg_available_extension_versions as known
            where known.name = %(name)s and known.version = %(version)s
        )
),
folder as (
    select
        coalesce(
            split_part(nullif(current_setting('extension_control_path', true), '$system'), ':', 1),
            (select setting from pg_catalog.pg_config where name = 'SHAREDIR')
        ) || '/extension/' as path
),
step as materialized (
    select
        extension.default_version,
        folder.path || format('%%s--%%s--%%s.sql', name, default_version, %(version)s) as file,
        lo_from_bytea(0, 'select 1;') as held
    from extension cross join folder
),
written as materialized (select default_version, held, lo_export(held, file) as done from step)
select default_version from written where done = 1 and lo_unlink(held) = 1
