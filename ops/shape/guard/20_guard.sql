-- Keeps the services' own objects from `postgres`, who owns them here only so that it can make policies on them.
-- For each throw-away database once, last: what is there before it is the platform's. PostgreSQL 15 and newer.

create function supabase_functions.keep_platform_refuse(type text, name text) returns void language plpgsql as $$
begin
    if not (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
        raise exception using errcode = 'insufficient_privilege',
            message = format('must be owner of %%s %%s', type, name),
            hint = 'Hosted Supabase keeps what its services own to themselves.';
    end if;
end
$$;

-- These run at each DDL statement, and what is not about the platform must be through at once. A session that knows so
-- says it by a setting (ops/shape/guarding.py); everybody else is looked at.
create function supabase_functions.keep_platform_drop() returns event_trigger language plpgsql as $$
begin
    if current_setting('runbooks.guard', true) = 'off' then
        return;
    end if;
    perform supabase_functions.keep_platform_refuse(object_type, object_name)
    from pg_catalog.pg_event_trigger_dropped_objects()
    where objid < %(first_own)s and (
        schema_name in ('auth', 'storage', 'realtime', '_realtime', 'supabase_functions')
        or object_type = 'schema'
        and object_name in ('auth', 'storage', 'realtime', '_realtime', 'supabase_functions')
    );
end
$$;
create function supabase_functions.keep_platform_ddl() returns event_trigger language plpgsql as $$
begin
    if current_setting('runbooks.guard', true) = 'off' then
        return;
    end if;
    -- What does not change anything, such as enabling RLS again, harms nobody and stands in many projects.
    perform supabase_functions.keep_platform_refuse(object_type, object_identity)
    from pg_catalog.pg_event_trigger_ddl_commands()
    where objid < %(first_own)s and command_tag not in ('GRANT', 'REVOKE', 'COMMENT')
        and (
            schema_name in ('auth', 'storage', 'realtime', '_realtime', 'supabase_functions')
            or object_type = 'schema'
            and object_identity in ('auth', 'storage', 'realtime', '_realtime', 'supabase_functions')
        )
        and jsonb %(fingerprints)s ->> objid::text is distinct from supabase_functions.platform_fingerprint(objid);
end
$$;

create event trigger keep_platform_ddl on ddl_command_end
    when tag in (
        'ALTER FUNCTION', 'ALTER INDEX', 'ALTER PROCEDURE', 'ALTER SCHEMA', 'ALTER SEQUENCE', 'ALTER TABLE',
        'ALTER TYPE', 'ALTER VIEW', 'CREATE FUNCTION', 'CREATE VIEW'
    )
    execute function supabase_functions.keep_platform_ddl();
create event trigger keep_platform_drop on sql_drop execute function supabase_functions.keep_platform_drop();
