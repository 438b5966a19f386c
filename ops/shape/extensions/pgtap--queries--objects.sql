-- Tests of which objects there are: has_x, hasnt_x and xs_are.
-- Without a schema what counts is what the search path finds.

create function _tap_name(schema name, name name) returns text language sql immutable as
$$ select coalesce(quote_ident(schema) || '.', '') || quote_ident(name) $$;

create function _tap_relation(kinds text, schema name, name name) returns oid language sql stable as $$
    select c.oid
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where
        c.relname = name and c.relkind::text = any(string_to_array(kinds, null))
        and case when schema is null then pg_table_is_visible(c.oid) else n.nspname = schema end
    limit 1
$$;

create function _tap_type(kinds text, schema name, name name) returns oid language sql stable as $$
    select t.oid
    from pg_type as t
    join pg_namespace as n on n.oid = t.typnamespace
    where
        t.typname = name and t.typtype::text = any(string_to_array(kinds, null))
        and case when schema is null then pg_type_is_visible(t.oid) else n.nspname = schema end
    limit 1
$$;

-- The relations of a kind: of a schema, or of all schemas on the search path.
create function _tap_relations(kinds text, schema name) returns setof name language sql stable as $$
    select c.relname
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where
        c.relkind::text = any(string_to_array(kinds, null))
        and case
            when schema is null then pg_table_is_visible(c.oid) and n.nspname not in ('pg_catalog', 'information_schema')
            else n.nspname = schema
        end
$$;

create function _tap_types(kinds text, schema name) returns setof name language sql stable as $$
    select t.typname
    from pg_type as t
    join pg_namespace as n on n.oid = t.typnamespace
    left join pg_class as c on c.oid = t.typrelid
    where
        t.typtype::text = any(string_to_array(kinds, null)) and (c.oid is null or c.relkind = 'c')
        and not exists (select from pg_type as e where e.typarray = t.oid)
        and case
            when schema is null then pg_type_is_visible(t.oid) and n.nspname not in ('pg_catalog', 'information_schema')
            else n.nspname = schema
        end
$$;

create function _tap_are(what text, have name[], want name[], description text) returns text language sql as $$
    with extra as (
        select string_agg(e'\n        ' || quote_ident(each), '' order by each) as names
        from (select unnest(have) except select unnest(want)) as t (each)
    ),
    missing as (
        select string_agg(e'\n        ' || quote_ident(each), '' order by each) as names
        from (select unnest(want) except select unnest(have)) as t (each)
    )
    select _tap_judge(
        extra.names is null and missing.names is null, description,
        concat_ws(e'\n', '    Extra ' || what || ':' || extra.names, '    Missing ' || what || ':' || missing.names)
    )
    from extra, missing
$$;

-- Makes has_x and hasnt_x of an expression over $1, schema, and $2, name; without `schemas` over $1 alone.
create function _tap_make_has(name text, title text, expression text, schemas boolean) returns void language plpgsql as $outer$
declare
    here text := replace(replace(expression, '$1', 'null::name'), '$2', '$1');
    positive boolean;
    function text;
    ending text;
begin
    foreach positive in array array[true, false] loop
        function := case when positive then 'has_' else 'hasnt_' end || name;
        ending := case when positive then ' should exist' else ' should not exist' end;
        execute format(
            $f$
            create function %1$I(name, text) returns text language sql as $$ select ok(%2$s (%3$s), $2) $$;
            create function %1$I(name) returns text language sql as $$ select %1$I($1, %4$L || quote_ident($1) || %5$L) $$;
            $f$,
            function, case when positive then '' else 'not' end, here, title || ' ', ending
        );
        continue when not schemas;
        execute format(
            $f$
            create function %1$I(name, name, text) returns text language sql as $$ select ok(%2$s (%3$s), $3) $$;
            create function %1$I(name, name) returns text language sql as
            $$ select %1$I($1, $2, %4$L || _tap_name($1, $2) || %5$L) $$;
            $f$,
            function, case when positive then '' else 'not' end, expression, title || ' ', ending
        );
    end loop;
end
$outer$;

select
    _tap_make_has('relation', 'Relation', $$ _tap_relation('rvmfSpcitI', $1, $2) is not null $$, true),
    _tap_make_has('table', 'Table', $$ _tap_relation('rp', $1, $2) is not null $$, true),
    _tap_make_has('view', 'View', $$ _tap_relation('v', $1, $2) is not null $$, true),
    _tap_make_has('materialized_view', 'Materialized view', $$ _tap_relation('m', $1, $2) is not null $$, true),
    _tap_make_has('foreign_table', 'Foreign table', $$ _tap_relation('f', $1, $2) is not null $$, true),
    _tap_make_has('sequence', 'Sequence', $$ _tap_relation('S', $1, $2) is not null $$, true),
    _tap_make_has('composite', 'Composite type', $$ _tap_relation('c', $1, $2) is not null $$, true),
    _tap_make_has('type', 'Type', $$ _tap_type('bcderm', $1, $2) is not null $$, true),
    _tap_make_has('domain', 'Domain', $$ _tap_type('d', $1, $2) is not null $$, true),
    _tap_make_has('enum', 'Enum', $$ _tap_type('e', $1, $2) is not null $$, true),
    _tap_make_has('extension', 'Extension', $$ exists (
        select from pg_extension as e join pg_namespace as n on n.oid = e.extnamespace
        where e.extname = $2 and n.nspname = coalesce($1, n.nspname)
    ) $$, true),
    _tap_make_has(
        'inherited_tables', 'Descendents of table',
        $$ exists (select from pg_inherits where inhparent = _tap_relation('rp', $1, $2)) $$, true
    ),
    _tap_make_has('schema', 'Schema', $$ exists (select from pg_namespace where nspname = $2) $$, false),
    _tap_make_has('role', 'Role', $$ exists (select from pg_roles where rolname = $2) $$, false),
    _tap_make_has('user', 'User', $$ exists (select from pg_user where usename = $2) $$, false),
    _tap_make_has('group', 'Group', $$ exists (select from pg_group where groname = $2) $$, false),
    _tap_make_has('language', 'Procedural language', $$ exists (select from pg_language where lanname = $2 and lanispl) $$, false),
    _tap_make_has('tablespace', 'Tablespace', $$ exists (select from pg_tablespace where spcname = $2) $$, false);
drop function _tap_make_has;

do $make$
declare
    each record;
    listed text;
begin
    for each in
        select * from (
            values
            ('tables', 'tables', $$ _tap_relations('rp', %s) $$), ('views', 'views', $$ _tap_relations('v', %s) $$),
            ('materialized_views', 'Materialized views', $$ _tap_relations('m', %s) $$),
            ('foreign_tables', 'foreign tables', $$ _tap_relations('f', %s) $$),
            ('sequences', 'sequences', $$ _tap_relations('S', %s) $$), ('types', 'types', $$ _tap_types('bcdepr', %s) $$),
            ('domains', 'domains', $$ _tap_types('d', %s) $$), ('enums', 'enums', $$ _tap_types('e', %s) $$),
            ('functions', 'functions', $$ (
                select p.proname from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
                where case
                    when %1$s::name is null then pg_function_is_visible(p.oid) and n.nspname not in ('pg_catalog', 'information_schema')
                    else n.nspname = %1$s
                end
            ) $$),
            ('extensions', 'extensions', $$ (
                select e.extname from pg_extension as e join pg_namespace as n on n.oid = e.extnamespace
                where n.nspname = coalesce(%s, n.nspname)
            ) $$)
        ) as t (name, what, listed)
    loop
        execute format(
            $f$
            create function %1$I(name, name[], text) returns text language sql as
            $$ select _tap_are(%2$L, array(select * from %3$s as t), $2, $3) $$;
            create function %1$I(name, name[]) returns text language sql as
            $$ select %1$I($1, $2, 'Schema ' || quote_ident($1) || %4$L) $$;
            create function %1$I(name[], text) returns text language sql as
            $$ select _tap_are(%2$L, array(select * from %5$s as t), $1, $2) $$;
            create function %1$I(name[]) returns text language sql as
            $$ select %1$I($1, 'Search path ' || current_setting('search_path') || %4$L) $$;
            $f$,
            each.name || '_are', each.what, format(each.listed, '$1'), ' should have the correct ' || each.what,
            format(each.listed, 'null::name')
        );
    end loop;
    for each in
        select * from (
            values
            ('schemas', 'schemas', $$ (select nspname from pg_namespace where nspname !~ '^(pg_|information_schema$)') $$),
            ('roles', 'roles', $$ (select rolname from pg_roles) $$), ('users', 'users', $$ (select usename from pg_user) $$),
            ('groups', 'groups', $$ (select groname from pg_group) $$),
            ('languages', 'procedural languages', $$ (select lanname from pg_language where lanispl) $$),
            ('tablespaces', 'tablespaces', $$ (select spcname from pg_tablespace) $$)
        ) as t (name, what, listed)
    loop
        execute format(
            $f$
            create function %1$I(name[], text) returns text language sql as
            $$ select _tap_are(%2$L, array(select * from %3$s as t), $1, $2) $$;
            create function %1$I(name[]) returns text language sql as $$ select %1$I($1, %4$L) $$;
            $f$,
            each.name || '_are', each.what, each.listed, 'There should be the correct ' || each.what
        );
    end loop;
    for each in
        select * from (
            values
            ('columns', 'columns', 'attname', 'pg_attribute', 'attrelid', 'attnum > 0 and not attisdropped'),
            ('triggers', 'triggers', 'tgname', 'pg_trigger', 'tgrelid', 'not tgisinternal'),
            ('policies', 'policies', 'polname', 'pg_policy', 'polrelid', 'true'),
            ('rules', 'rules', 'rulename', 'pg_rewrite', 'ev_class', $$ rulename <> '_RETURN' $$),
            ('indexes', 'indexes', 'relname', 'pg_index join pg_class on pg_class.oid = indexrelid', 'indrelid', 'true'),
            ('partitions', 'partitions', 'relname', 'pg_inherits join pg_class on pg_class.oid = inhrelid', 'inhparent', 'relispartition')
        ) as t (name, what, named, source, parent, condition)
    loop
        listed := format(
            $$ array(select %s from %s where %s = _tap_relation('rvmfpc', %%s) and %s) $$,
            each.named, each.source, each.parent, each.condition
        );
        execute format(
            $f$
            create function %1$I(name, name, name[], text) returns text language sql as
            $$ select _tap_are(%2$L, %3$s, $3, $4) $$;
            create function %1$I(name, name, name[]) returns text language sql as
            $$ select %1$I($1, $2, $3, %5$L || _tap_name($1, $2) || %6$L) $$;
            create function %1$I(name, name[], text) returns text language sql as
            $$ select _tap_are(%2$L, %4$s, $2, $3) $$;
            create function %1$I(name, name[]) returns text language sql as
            $$ select %1$I($1, $2, %5$L || quote_ident($1) || %6$L) $$;
            $f$,
            each.name || '_are', each.what, format(listed, '$1, $2'), format(listed, 'null::name, $1'),
            'Table ', ' should have the correct ' || each.what
        );
    end loop;
end
$make$;

create function enum_has_labels(name, name, name[], text) returns text language sql as $$
    select "is"(
        array(select enumlabel from pg_enum where enumtypid = _tap_type('e', $1, $2) order by enumsortorder), $3, $4
    )
$$;
create function enum_has_labels(name, name, name[]) returns text language sql as
$$ select enum_has_labels($1, $2, $3, format('Enum %s should have labels (%s)', _tap_name($1, $2), array_to_string($3, ', '))) $$;
create function enum_has_labels(name, name[], text) returns text language sql as
$$ select enum_has_labels(null, $1, $2, $3) $$;
create function enum_has_labels(name, name[]) returns text language sql as
$$ select enum_has_labels($1, $2, format('Enum %s should have labels (%s)', quote_ident($1), array_to_string($2, ', '))) $$;
