-- Keeps the services' own objects from `postgres`, who owns them here only so that it can make policies on them.
-- For each throw-away database once, last: what is there before it is the platform's. PostgreSQL 15 and newer.

create function supabase_functions.keep_platform() returns event_trigger language plpgsql set search_path = pg_catalog
as $$
declare
    platform constant text[] := '{auth,storage,realtime,_realtime,supabase_functions}';
    fingerprints constant jsonb := %(fingerprints)s;
    object record;
begin
    if (select rolsuper from pg_roles where rolname = current_user) then
        return;
    end if;
    if tg_event = 'sql_drop' then
        for object in
            select object_type, object_name from pg_event_trigger_dropped_objects()
            where objid < %(first_own)s
                and (schema_name = any (platform) or object_type = 'schema' and object_name = any (platform))
        loop
            raise exception using errcode = 'insufficient_privilege',
                message = format('must be owner of %%s %%s', object.object_type, object.object_name),
                hint = 'Hosted Supabase keeps what its services own to themselves.';
        end loop;
        return;
    end if;
    for object in
        select objid, object_type, object_identity, command_tag from pg_event_trigger_ddl_commands()
        where objid < %(first_own)s
            and command_tag not in ('GRANT', 'REVOKE', 'COMMENT')
            and (schema_name = any (platform) or object_type = 'schema' and object_identity = any (platform))
    loop
        -- What does not change anything, such as enabling RLS again, harms nobody and stands in many projects.
        if fingerprints ->> object.objid::text is distinct from supabase_functions.platform_fingerprint(object.objid) then
            raise exception using errcode = 'insufficient_privilege',
                message = format('must be owner of %%s %%s', object.object_type, object.object_identity),
                hint = 'Hosted Supabase keeps what its services own to themselves.';
        end if;
    end loop;
end
$$;

create event trigger keep_platform_ddl on ddl_command_end
    when tag in (
        'ALTER FUNCTION', 'ALTER INDEX', 'ALTER PROCEDURE', 'ALTER SCHEMA', 'ALTER SEQUENCE', 'ALTER TABLE',
        'ALTER TYPE', 'ALTER VIEW', 'CREATE FUNCTION', 'CREATE VIEW'
    )
    execute function supabase_functions.keep_platform();
create event trigger keep_platform_drop on sql_drop execute function supabase_functions.keep_platform();
