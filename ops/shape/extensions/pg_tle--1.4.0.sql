-- Extensions that come as text are written beside the others and belong to who creates them, as with the real one.

create type @extschema@.pg_tle_features as enum ('passcheck', 'clientauth');
create table @extschema@.feature_info (
    feature @extschema@.pg_tle_features, schema_name text, proname text, obj_identity text
);
create table @extschema@.script (
    name text, version text, description text, content text not null, requires text[], primary key (name, version)
);
create table @extschema@.chosen (name text primary key, version text not null);

create function @extschema@.folder() returns text language sql stable set search_path = pg_catalog return coalesce(
    split_part(nullif(current_setting('extension_control_path', true), '$system'), ':', 1),
    (select setting from pg_config where name = 'SHAREDIR')
) || '/extension/';
create function @extschema@.put(file text, content text) returns void language plpgsql
set search_path = pg_catalog as $$
declare
    held oid := lo_from_bytea(0, convert_to(content, 'UTF8'));
begin
    perform lo_export(held, @extschema@.folder() || file);
    perform lo_unlink(held);
end
$$;
create function @extschema@.put_control(extension text) returns void language plpgsql as $$
begin
    perform @extschema@.put(extension || '.control', (
        select format(
            E'comment = %s\ndefault_version = ''%s''\nrelocatable = false\nsuperuser = false\n%s',
            quote_literal('pg_tle: ' || regexp_replace(coalesce(description, extension), '[\\[:cntrl:]]', ' ', 'g')),
            version,
            case when cardinality(requires) > 0 then format(E'requires = ''%s''\n', array_to_string(requires, ', '))
                else '' end
        )
        from @extschema@.script join @extschema@.chosen using (name, version) where name = extension
    ));
end
$$;
create function @extschema@.check_name(name text) returns void language plpgsql set search_path = pg_catalog as $$
begin
    if name !~ '^[A-Za-z0-9_]+(-?[A-Za-z0-9_.@])*$' then
        raise exception 'invalid extension name or version: "%"', name;
    end if;
end
$$;
create function @extschema@.install_extension_version_sql(name text, version text, ext text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    wanted alias for name;
begin
    perform @extschema@.check_name(wanted), @extschema@.check_name(version);
    if not exists (select from @extschema@.chosen as known where known.name = wanted) then
        raise exception 'extension "%" is not installed', wanted;
    end if;
    insert into @extschema@.script (name, version, content)
    values (wanted, install_extension_version_sql.version, ext);
    perform @extschema@.put(wanted || '--' || version || '.sql', ext);
    return true;
end
$$;
create function @extschema@.install_extension(
    name text, version text, description text, ext text, requires text[] default null, schema text default null
) returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    wanted alias for name;
begin
    if ext is null or version is null then
        raise notice 'pg_tle stands in for the real one: there is no text of % to install', wanted;
        return false;
    end if;
    perform @extschema@.check_name(wanted), @extschema@.check_name(version);
    perform @extschema@.check_name(needed) from unnest(requires) as needed;
    if exists (
        select from pg_available_extensions as known
        where known.name = wanted and known.comment not like 'pg_tle: %'
    ) then
        raise exception 'control file already exists for the % extension', wanted;
    end if;
    if exists (select from @extschema@.script as known where known.name = wanted) then
        raise exception 'extension "%" already installed', wanted;
    end if;
    insert into @extschema@.script values (wanted, install_extension.version, install_extension.description,
        ext, install_extension.requires);
    insert into @extschema@.chosen values (wanted, install_extension.version);
    perform @extschema@.put(wanted || '--' || version || '.sql', ext);
    perform @extschema@.put_control(wanted);
    return true;
end
$$;
create function @extschema@.install_update_path(name text, fromvers text, tovers text, ext text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform @extschema@.check_name(name), @extschema@.check_name(fromvers), @extschema@.check_name(tovers);
    if not exists (select from @extschema@.script as known where known.name = install_update_path.name) then
        raise exception 'extension "%" is not installed', name;
    end if;
    perform @extschema@.put(name || '--' || fromvers || '--' || tovers || '.sql', ext);
    return true;
end
$$;
create function @extschema@.set_default_version(name text, version text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update @extschema@.chosen as old set version = set_default_version.version
    where old.name = set_default_version.name;
    if not found then
        raise exception 'extension "%" is not installed', name;
    end if;
    perform @extschema@.put_control(name);
    return true;
end
$$;
create function @extschema@.uninstall_extension_if_exists(extname text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from @extschema@.chosen where name = extname;
    delete from @extschema@.script where name = extname;
    return found;
end
$$;
create function @extschema@.uninstall_extension(extname text) returns boolean language plpgsql as $$
begin
    if not @extschema@.uninstall_extension_if_exists(extname) then
        raise exception 'Extension % does not exist', extname;
    end if;
    return true;
end
$$;
create function @extschema@.uninstall_extension(extname text, version text) returns boolean language sql
    return @extschema@.uninstall_extension(extname);
create function @extschema@.available_extensions() returns table (name name, default_version text, comment text)
language sql as $$
    select name::name, version, description from @extschema@.chosen join @extschema@.script using (name, version)
$$;
create function @extschema@.available_extension_versions() returns table (name name, version text, comment text)
language sql as $$ select name::name, version, description from @extschema@.script $$;
create function @extschema@.register_feature(proc regproc, feature @extschema@.pg_tle_features) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into @extschema@.feature_info values (feature, null, proc::text, proc::text);
    return true;
end
$$;
create function @extschema@.register_feature_if_not_exists(proc regproc, feature @extschema@.pg_tle_features)
returns boolean language sql return @extschema@.register_feature(proc, feature);

revoke all on all functions in schema @extschema@ from public;
grant usage on schema @extschema@ to postgres with grant option;
grant select on all tables in schema @extschema@ to postgres with grant option;
grant execute on all functions in schema @extschema@ to postgres with grant option;
revoke execute on function @extschema@.put(text, text), @extschema@.put_control(text) from postgres;
