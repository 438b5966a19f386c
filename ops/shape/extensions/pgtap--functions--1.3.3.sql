-- Tests of who may do what: policies, privileges, owners and roles.
-- PostgreSQL 17's MAINTAIN counts only where a test names it, since a test is older than the server it runs on.

create function _tap_policy(schema name, relation name, name name) returns pg_policy language sql stable as
$$ select p from pg_policy as p where p.polrelid = _tap_relation('rp', schema, relation) and p.polname = name $$;

-- A policy for everybody has the roles {public}, or none, as a test may put it.
create function policy_roles_are(name, name, name, name[], text) returns text language sql as $$
    select _tap_are('policy roles', array(
        select pg_get_userbyid(r.oid) from unnest((_tap_policy($1, $2, $3)).polroles) as r (oid) where r.oid <> 0
        union all
        select 'public' where 0 = any((_tap_policy($1, $2, $3)).polroles) and 'public' = any($4)
    ), $4, $5)
$$;
create function policy_roles_are(name, name, name, name[]) returns text language sql as $$
    select policy_roles_are(
        $1, $2, $3, $4, format('Policy %s for table %s should have the correct roles', quote_ident($3), _tap_name($1, $2))
    )
$$;
create function policy_roles_are(name, name, name[], text) returns text language sql as
$$ select policy_roles_are(null, $1, $2, $3, $4) $$;
create function policy_roles_are(name, name, name[]) returns text language sql as $$
    select policy_roles_are(
        null, $1, $2, $3, format('Policy %s for table %s should have the correct roles', quote_ident($2), quote_ident($1))
    )
$$;

create function _tap_policy_cmd_is(name, name, name, text, text) returns text language sql as $$
    select "is"(
        (select command from (
            values ('a', 'INSERT'), ('w', 'UPDATE'), ('d', 'DELETE'), ('r', 'SELECT'), ('*', 'ALL')
        ) as t (letter, command) where letter = (_tap_policy($1, $2, $3)).polcmd::text),
        upper($4),
        coalesce($5, format('Policy %s for table %s should apply to %s command', quote_ident($3), _tap_name($1, $2), upper($4)))
    )
$$;
create function policy_cmd_is(name, name, name, text, text) returns text language sql as
$$ select _tap_policy_cmd_is($1, $2, $3, $4, $5) $$;
create function policy_cmd_is(name, name, name, text) returns text language sql as
$$ select _tap_policy_cmd_is($1, $2, $3, $4, null) $$;
create function policy_cmd_is(name, name, text, text) returns text language sql as
$$ select _tap_policy_cmd_is(null, $1, $2, $3, $4) $$;
create function policy_cmd_is(name, name, text) returns text language sql as
$$ select _tap_policy_cmd_is(null, $1, $2, $3, null) $$;

-- Compares the privileges that a role has with those it should have; `object` is null where there is none.
create function _tap_privs_are(
    title text, object text, test text, possible text[], role name, wanted name[], description text
) returns text language plpgsql as $$
declare
    privilege text;
    has boolean;
    have text[] := '{}';
    said text := coalesce(
        description,
        format('Role %s should be granted %s on %s', quote_ident(role), case when wanted = '{}' then 'no privileges' else array_to_string(wanted, ', ') end, title)
    );
begin
    if object is null then
        return fail(said) || e'\n' || diag(format('    %s does not exist', upper(left(title, 1)) || substr(title, 2)));
    elsif not exists (select from pg_roles where rolname = role) then
        return fail(said) || e'\n' || diag(format('    Role %s does not exist', quote_ident(role)));
    end if;
    foreach privilege in array possible loop
        execute test into has using role, object, privilege;
        if has then
            have := have || privilege;
        end if;
    end loop;
    return _tap_are('privileges', have::name[], wanted, said);
end
$$;

create function _tap_table_privileges(wanted name[]) returns text[] language sql stable as $$
    select array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']
        || case when 'MAINTAIN' = any(wanted) and pg_version_num() >= 170000 then array['MAINTAIN'] else '{}' end
$$;

create function table_privs_are(name, name, name, name[], text) returns text language sql as $$
    select _tap_privs_are(
        'table ' || _tap_name($1, $2), _tap_relation('rpvmf', $1, $2)::text, 'select has_table_privilege($1, $2::oid, $3)',
        _tap_table_privileges($4), $3, $4, $5
    )
$$;
create function table_privs_are(name, name, name, name[]) returns text language sql as
$$ select table_privs_are($1, $2, $3, $4, null) $$;
create function table_privs_are(name, name, name[], text) returns text language sql as
$$ select table_privs_are(null, $1, $2, $3, $4) $$;
create function table_privs_are(name, name, name[]) returns text language sql as
$$ select table_privs_are(null, $1, $2, $3, null) $$;

create function any_column_privs_are(name, name, name, name[], text) returns text language sql as $$
    select _tap_privs_are(
        'any column in ' || _tap_name($1, $2), _tap_relation('rpvmf', $1, $2)::text,
        'select has_any_column_privilege($1, $2::oid, $3)', array['SELECT', 'INSERT', 'UPDATE', 'REFERENCES'], $3, $4, $5
    )
$$;
create function any_column_privs_are(name, name, name, name[]) returns text language sql as
$$ select any_column_privs_are($1, $2, $3, $4, null) $$;
create function any_column_privs_are(name, name, name[], text) returns text language sql as
$$ select any_column_privs_are(null, $1, $2, $3, $4) $$;
create function any_column_privs_are(name, name, name[]) returns text language sql as
$$ select any_column_privs_are(null, $1, $2, $3, null) $$;

create function column_privs_are(name, name, name, name, name[], text) returns text language sql as $$
    select _tap_privs_are(
        'column ' || _tap_column_name($1, $2, $3),
        case when (_tap_column($1, $2, $3)).attname is not null then _tap_relation('rpvmf', $1, $2) || ' ' || $3 end,
        'select has_column_privilege($1, split_part($2, '' '', 1)::oid, substr($2, strpos($2, '' '') + 1), $3)',
        array['SELECT', 'INSERT', 'UPDATE', 'REFERENCES'], $4, $5, $6
    )
$$;
create function column_privs_are(name, name, name, name, name[]) returns text language sql as
$$ select column_privs_are($1, $2, $3, $4, $5, null) $$;
create function column_privs_are(name, name, name, name[], text) returns text language sql as
$$ select column_privs_are(null, $1, $2, $3, $4, $5) $$;
create function column_privs_are(name, name, name, name[]) returns text language sql as
$$ select column_privs_are(null, $1, $2, $3, $4, null) $$;

create function sequence_privs_are(name, name, name, name[], text) returns text language sql as $$
    select _tap_privs_are(
        'sequence ' || _tap_name($1, $2), _tap_relation('S', $1, $2)::text, 'select has_sequence_privilege($1, $2::oid, $3)',
        array['SELECT', 'UPDATE', 'USAGE'], $3, $4, $5
    )
$$;
create function sequence_privs_are(name, name, name, name[]) returns text language sql as
$$ select sequence_privs_are($1, $2, $3, $4, null) $$;
create function sequence_privs_are(name, name, name[], text) returns text language sql as
$$ select sequence_privs_are(null, $1, $2, $3, $4) $$;
create function sequence_privs_are(name, name, name[]) returns text language sql as
$$ select sequence_privs_are(null, $1, $2, $3, null) $$;

create function function_privs_are(name, name, name[], name, name[], text) returns text language sql as $$
    select _tap_privs_are(
        'function ' || _tap_function_name($1, $2, $3), (select p.oid::text from _tap_functions($1, $2, $3) as p limit 1),
        'select has_function_privilege($1, $2::oid, $3)', array['EXECUTE'], $4, $5, $6
    )
$$;
create function function_privs_are(name, name, name[], name, name[]) returns text language sql as
$$ select function_privs_are($1, $2, $3, $4, $5, null) $$;
create function function_privs_are(name, name[], name, name[], text) returns text language sql as
$$ select function_privs_are(null, $1, $2, $3, $4, $5) $$;
create function function_privs_are(name, name[], name, name[]) returns text language sql as
$$ select function_privs_are(null, $1, $2, $3, $4, null) $$;

create function schema_privs_are(name, name, name[], text) returns text language sql as $$
    select _tap_privs_are(
        'schema ' || quote_ident($1), to_regnamespace(quote_ident($1))::oid::text, 'select has_schema_privilege($1, $2::oid, $3)',
        array['CREATE', 'USAGE'], $2, $3, $4
    )
$$;
create function schema_privs_are(name, name, name[]) returns text language sql as $$ select schema_privs_are($1, $2, $3, null) $$;

create function database_privs_are(name, name, name[], text) returns text language sql as $$
    select _tap_privs_are(
        'database ' || quote_ident($1), (select oid::text from pg_database where datname = $1),
        'select has_database_privilege($1, $2::oid, $3)', array['CREATE', 'CONNECT', 'TEMPORARY'], $2, $3, $4
    )
$$;
create function database_privs_are(name, name, name[]) returns text language sql as
$$ select database_privs_are($1, $2, $3, null) $$;

-- An owner is compared by name; what does not exist has none.
create function _tap_owner_is(title text, owner oid, wanted name, description text) returns text language sql as $$
    select case
        when owner is null then
            fail(said) || e'\n' || diag(format('    %s does not exist', title))
        else "is"(pg_get_userbyid(owner), wanted, said)
    end
    from (select coalesce(description, format('%s should be owned by %s', title, quote_ident(wanted)))) as t (said)
$$;

do $make$
declare
    each record;
begin
    for each in
        select * from (
            values
            ('relation_owner_is', 'Relation ', 'rvmfSpcitI'), ('table_owner_is', 'Table ', 'rp'), ('view_owner_is', 'View ', 'v'),
            ('materialized_view_owner_is', 'Materialized view ', 'm'), ('foreign_table_owner_is', 'Foreign table ', 'f'),
            ('sequence_owner_is', 'Sequence ', 'S'), ('composite_owner_is', 'Composite type ', 'c')
        ) as t (name, title, kinds)
    loop
        execute format(
            $f$
            create function %1$I(name, name, name, text) returns text language sql as $$
                select _tap_owner_is(
                    %2$L || _tap_name($1, $2), (select relowner from pg_class where oid = _tap_relation(%3$L, $1, $2)), $3, $4
                )
            $$;
            create function %1$I(name, name, name) returns text language sql as $$ select %1$I($1, $2, $3, null) $$;
            create function %1$I(name, name, text) returns text language sql as $$ select %1$I(null, $1, $2, $3) $$;
            create function %1$I(name, name) returns text language sql as $$ select %1$I(null, $1, $2, null) $$;
            $f$,
            each.name, each.title, each.kinds
        );
    end loop;
end
$make$;

create function function_owner_is(name, name, name[], name, text) returns text language sql as $$
    select _tap_owner_is(
        'Function ' || _tap_function_name($1, $2, $3), (select p.proowner from _tap_functions($1, $2, $3) as p limit 1), $4, $5
    )
$$;
create function function_owner_is(name, name, name[], name) returns text language sql as
$$ select function_owner_is($1, $2, $3, $4, null) $$;
create function function_owner_is(name, name[], name, text) returns text language sql as
$$ select function_owner_is(null, $1, $2, $3, $4) $$;
create function function_owner_is(name, name[], name) returns text language sql as
$$ select function_owner_is(null, $1, $2, $3, null) $$;
create function schema_owner_is(name, name, text) returns text language sql as
$$ select _tap_owner_is('Schema ' || quote_ident($1), (select nspowner from pg_namespace where nspname = $1), $2, $3) $$;
create function schema_owner_is(name, name) returns text language sql as $$ select schema_owner_is($1, $2, null) $$;
create function db_owner_is(name, name, text) returns text language sql as
$$ select _tap_owner_is('Database ' || quote_ident($1), (select datdba from pg_database where datname = $1), $2, $3) $$;
create function db_owner_is(name, name) returns text language sql as $$ select db_owner_is($1, $2, null) $$;

create function is_superuser(name, text) returns text language sql as $$
    select case
        when not exists (select from pg_roles where rolname = $1) then
            fail($2) || e'\n' || diag(format('    User %s does not exist', quote_ident($1)))
        else ok((select rolsuper from pg_roles where rolname = $1), $2)
    end
$$;
create function is_superuser(name) returns text language sql as
$$ select is_superuser($1, format('User %s should be a super user', quote_ident($1))) $$;
create function isnt_superuser(name, text) returns text language sql as $$
    select case
        when not exists (select from pg_roles where rolname = $1) then
            fail($2) || e'\n' || diag(format('    User %s does not exist', quote_ident($1)))
        else ok(not (select rolsuper from pg_roles where rolname = $1), $2)
    end
$$;
create function isnt_superuser(name) returns text language sql as
$$ select isnt_superuser($1, format('User %s should not be a super user', quote_ident($1))) $$;

create function _tap_members(role name) returns setof name language sql stable as $$
    select m.rolname
    from pg_auth_members as a
    join pg_roles as r on r.oid = a.roleid
    join pg_roles as m on m.oid = a.member
    where r.rolname = role
$$;
create function is_member_of(name, name[], text) returns text language sql as $$
    select case
        when not exists (select from pg_roles where rolname = $1) then
            fail($3) || e'\n' || diag(format('    Role %s does not exist', quote_ident($1)))
        else _tap_judge(
            $2 <@ array(select _tap_members($1)), $3,
            format(e'    Members missing from the %s role:\n', quote_ident($1))
            || (select string_agg('        ' || quote_ident(w), e'\n') from unnest($2) as w where w <> all(array(select _tap_members($1))))
        )
    end
$$;
create function is_member_of(name, name, text) returns text language sql as $$ select is_member_of($1, array[$2], $3) $$;
create function is_member_of(name, name[]) returns text language sql as
$$ select is_member_of($1, $2, format('Should have members of role %s', quote_ident($1))) $$;
create function is_member_of(name, name) returns text language sql as $$ select is_member_of($1, array[$2]) $$;
create function isnt_member_of(name, name[], text) returns text language sql as
$$ select ok(not ($2 && array(select _tap_members($1))), $3) $$;
create function isnt_member_of(name, name, text) returns text language sql as $$ select isnt_member_of($1, array[$2], $3) $$;
create function isnt_member_of(name, name[]) returns text language sql as
$$ select isnt_member_of($1, $2, format('Should not have members of role %s', quote_ident($1))) $$;
create function isnt_member_of(name, name) returns text language sql as $$ select isnt_member_of($1, array[$2]) $$;
