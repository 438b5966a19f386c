-- The roles of a hosted project, and `postgres` as the owner without superuser's rights that it is there.
-- For each cluster once; roles that are there already keep what they have. PostgreSQL 15 and newer.

do $roles$
declare
    role record;
    setting text;
begin
    for role in
        select name, attributes, settings from (values
            ('supabase_admin', 'nologin createrole', '{}'::text[]),
            ('postgres', 'login createrole createdb replication bypassrls',
                array['search_path = "$user", public, extensions']),
            ('anon', 'nologin', array['statement_timeout = ''3s''']),
            ('authenticated', 'nologin', array['statement_timeout = ''8s''']),
            ('service_role', 'nologin bypassrls', '{}'),
            ('authenticator', 'login noinherit', array['statement_timeout = ''8s''', 'lock_timeout = ''8s''']),
            ('dashboard_user', 'nologin createdb createrole replication', '{}'),
            ('pgbouncer', 'login', '{}'),
            ('supabase_auth_admin', 'login noinherit createrole',
                array['search_path = auth', 'idle_in_transaction_session_timeout = 60000']),
            ('supabase_storage_admin', 'login noinherit createrole', array['search_path = storage']),
            ('supabase_functions_admin', 'login noinherit createrole', array['search_path = supabase_functions']),
            ('supabase_realtime_admin', 'nologin noinherit', '{}'),
            ('supabase_replication_admin', 'login replication', '{}'),
            ('supabase_read_only_user', 'login bypassrls', '{}'),
            ('supabase_etl_admin', 'login replication', '{}'),
            ('supabase_privileged_role', 'nologin', '{}'),
            ('pgsodium_keyiduser', 'nologin', '{}'),
            ('pgsodium_keyholder', 'nologin', '{}'),
            ('pgsodium_keymaker', 'nologin', '{}')
        ) as wanted (name, attributes, settings)
        where not exists (select from pg_catalog.pg_roles where rolname = name)
    loop
        execute format('create role %I %s', role.name, role.attributes);
        foreach setting in array role.settings loop
            execute format('alter role %I set %s', role.name, setting);
        end loop;
    end loop;

    -- Policies on the services' tables are the owner's to make, and `postgres` makes them on a hosted project.
    foreach setting in array array['supabase_auth_admin', 'supabase_storage_admin', 'supabase_realtime_admin'] loop
        if current_setting('server_version_num')::integer >= 160000 then
            execute format('grant %I to postgres with inherit true, set false', setting);
        else
            execute format('grant %I to postgres', setting);
        end if;
    end loop;
    if exists (select from pg_catalog.pg_roles where rolname = 'pg_create_subscription') then
        grant pg_create_subscription to postgres with admin option;
    end if;
end
$roles$;

grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role, authenticator to postgres with admin option;
grant supabase_privileged_role to postgres;
grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres with admin option;
grant pg_read_all_data to supabase_read_only_user, supabase_etl_admin;
grant authenticator to supabase_storage_admin;
grant pgsodium_keyiduser, pgsodium_keyholder to service_role;
grant pgsodium_keyiduser, pgsodium_keyholder, pgsodium_keymaker to postgres with admin option;

grant set on parameter session_replication_role, track_io_timing, log_lock_waits, log_min_messages,
    log_min_duration_statement, log_replication_commands, log_statement, log_temp_files, track_functions,
    wal_compression, auto_explain.log_analyze, auto_explain.log_buffers, auto_explain.log_format,
    auto_explain.log_level, auto_explain.log_min_duration, auto_explain.log_nested_statements,
    auto_explain.log_parameter_max_length, auto_explain.log_settings, auto_explain.log_timing,
    auto_explain.log_triggers, auto_explain.log_verbose, auto_explain.log_wal, auto_explain.sample_rate,
    cron.log_statement, cron.timezone, pg_net.batch_size, pg_net.ttl,
    pg_stat_statements.max, pg_stat_statements.save, pg_stat_statements.track,
    pg_stat_statements.track_planning, pg_stat_statements.track_utility,
    pgaudit.log, pgaudit.log_catalog, pgaudit.log_client, pgaudit.log_level, pgaudit.log_parameter,
    pgaudit.log_relation, pgaudit.log_rows, pgaudit.log_statement, pgaudit.log_statement_once, pgaudit.role,
    pgrst.db_aggregates_enabled, pgrst.db_anon_role, pgrst.db_extra_search_path, pgrst.db_hoisted_tx_settings,
    pgrst.db_max_rows, pgrst.db_plan_enabled, pgrst.db_pre_config, pgrst.db_pre_request,
    pgrst.db_prepared_statements, pgrst.db_root_spec, pgrst.db_schemas, pgrst.db_timezone_enabled, pgrst.db_tx_end,
    pgrst.jwt_aud, pgrst.jwt_cache_max_lifetime, pgrst.jwt_role_claim_key, pgrst.jwt_secret,
    pgrst.jwt_secret_is_base64, pgrst.log_level, pgrst.openapi_mode, pgrst.openapi_security_active,
    pgrst.openapi_server_proxy_uri, pgrst.raw_media_types, pgrst.server_cors_allowed_origins,
    pgrst.server_timing_enabled, pgrst.server_trace_header,
    plan_filter.limit_select_only, plan_filter.module_loaded, plan_filter.statement_cost_limit, safeupdate.enabled
    to postgres;
