-- Tests of indexes, triggers and rules.
-- The columns of an index are named as the server writes them, expressions too.

create function _tap_index(schema name, relation name, name name) returns pg_index language sql stable as $$
    select i
    from pg_index as i
    join pg_class as c on c.oid = i.indexrelid
    join pg_class as t on t.oid = i.indrelid
    join pg_namespace as n on n.oid = t.relnamespace
    where
        c.relname = name and t.relname = coalesce(relation, t.relname)
        and case when schema is null then pg_table_is_visible(t.oid) else n.nspname = schema end
    limit 1
$$;

create function _tap_index_columns(index pg_index) returns text[] language sql stable as $$
    select array(
        select lower(trim(pg_get_indexdef(index.indexrelid, number, true), '"'))
        from generate_series(1, index.indnkeyatts) as number
    )
$$;

create function _tap_has_index(name, name, name, columns text[], text) returns text language plpgsql as $$
declare
    index pg_index := _tap_index($1, $2, $3);
    have text[];
begin
    if index.indexrelid is null then
        return fail($5) || e'\n' || diag(format('Index %s ON %s not found', quote_ident($3), _tap_name($1, $2)));
    end if;
    have := _tap_index_columns(index);
    return _tap_judge(
        have = array(select lower(trim(c, '"')) from unnest(columns) as c), $5,
        format(
            e'       have: %1$s ON %2$s(%3$s)\n       want: %1$s ON %2$s(%4$s)',
            quote_ident($3), _tap_name($1, $2), array_to_string(have, ', '), array_to_string(columns, ', ')
        )
    );
end
$$;
create function has_index(name, name, name, name[], text) returns text language sql as
$$ select _tap_has_index($1, $2, $3, $4::text[], $5) $$;
create function has_index(name, name, name, name[]) returns text language sql as
$$ select _tap_has_index($1, $2, $3, $4::text[], format('Index %s should exist', quote_ident($3))) $$;
create function has_index(name, name, name, name, text) returns text language sql as
$$ select _tap_has_index($1, $2, $3, array[$4::text], $5) $$;
create function has_index(name, name, name, name) returns text language sql as
$$ select _tap_has_index($1, $2, $3, array[$4::text], format('Index %s should exist', quote_ident($3))) $$;
create function has_index(name, name, name, text) returns text language sql as $$
    select case
        when $3::text ~~ '%(%' or not exists (select from pg_namespace where nspname = $1)
            then _tap_has_index(null, $1, $2, array[$3::text], $4)
        else ok((_tap_index($1, $2, $3)).indexrelid is not null, $4)
    end
$$;
create function has_index(name, name, name[], text) returns text language sql as
$$ select _tap_has_index(null, $1, $2, $3::text[], $4) $$;
create function has_index(name, name, name[]) returns text language sql as
$$ select _tap_has_index(null, $1, $2, $3::text[], format('Index %s should exist', quote_ident($2))) $$;
create function has_index(name, name, name) returns text language sql as $$
    select case
        when exists (select from pg_namespace where nspname = $1)
            then ok((_tap_index($1, $2, $3)).indexrelid is not null, format('Index %s should exist', quote_ident($3)))
        else _tap_has_index(null, $1, $2, array[$3::text], format('Index %s should exist', quote_ident($2)))
    end
$$;
create function has_index(name, name, text) returns text language sql as
$$ select ok((_tap_index(null, $1, $2)).indexrelid is not null, $3) $$;
create function has_index(name, name) returns text language sql as
$$ select has_index($1, $2, format('Index %s should exist', quote_ident($2))) $$;

create function hasnt_index(name, name, name, text) returns text language sql as
$$ select ok((_tap_index($1, $2, $3)).indexrelid is null, $4) $$;
create function hasnt_index(name, name, name) returns text language sql as
$$ select hasnt_index($1, $2, $3, format('Index %s should not exist', quote_ident($3))) $$;
create function hasnt_index(name, name, text) returns text language sql as
$$ select ok((_tap_index(null, $1, $2)).indexrelid is null, $3) $$;
create function hasnt_index(name, name) returns text language sql as
$$ select hasnt_index($1, $2, format('Index %s should not exist', quote_ident($2))) $$;

do $make$
declare
    each record;
begin
    for each in
        select * from (
            values
            ('index_is_unique', 'indisunique', ' should be unique'), ('index_is_primary', 'indisprimary', ' should be on a primary key'),
            ('is_clustered', 'indisclustered', ' should be what its table is clustered on')
        ) as t (name, flag, ending)
    loop
        execute format(
            $f$
            create function %1$I(name, name, name, text) returns text language sql as
            $$ select ok(coalesce((_tap_index($1, $2, $3)).%2$I, false), $4) $$;
            create function %1$I(name, name, name) returns text language sql as
            $$ select %1$I($1, $2, $3, 'Index ' || quote_ident($3) || %3$L) $$;
            create function %1$I(name, name) returns text language sql as
            $$ select %1$I(null, $1, $2, 'Index ' || quote_ident($2) || %3$L) $$;
            create function %1$I(name) returns text language sql as
            $$ select %1$I(null, null, $1, 'Index ' || quote_ident($1) || %3$L) $$;
            $f$,
            each.name, each.flag, each.ending
        );
    end loop;
end
$make$;

create function index_is_type(name, name, name, name, text) returns text language sql as $$
    select "is"(
        (select a.amname from pg_class as c join pg_am as a on a.oid = c.relam where c.oid = (_tap_index($1, $2, $3)).indexrelid), $4, $5
    )
$$;
create function index_is_type(name, name, name, name) returns text language sql as
$$ select index_is_type($1, $2, $3, $4, format('Index %s should be a %s index', quote_ident($3), quote_ident($4))) $$;
create function index_is_type(name, name, name) returns text language sql as
$$ select index_is_type(null, $1, $2, $3, format('Index %s should be a %s index', quote_ident($2), quote_ident($3))) $$;
create function index_is_type(name, name) returns text language sql as
$$ select index_is_type(null, null, $1, $2, format('Index %s should be a %s index', quote_ident($1), quote_ident($2))) $$;

create function _tap_is_indexed(name, name, name[], text) returns text language sql as $$
    select ok(exists (
        select from pg_index as i
        where i.indrelid = _tap_relation('rpm', $1, $2)
        and _tap_index_columns(i) = array(select lower(c::text) from unnest($3) as c)
    ), $4)
$$;
create function is_indexed(name, name, name[], text) returns text language sql as $$ select _tap_is_indexed($1, $2, $3, $4) $$;
create function is_indexed(name, name, name[]) returns text language sql as $$
    select _tap_is_indexed($1, $2, $3, format('Should have an index on %s(%s)', _tap_name($1, $2), array_to_string($3, ', ')))
$$;
create function is_indexed(name, name[], text) returns text language sql as $$ select _tap_is_indexed(null, $1, $2, $3) $$;
create function is_indexed(name, name[]) returns text language sql as
$$ select _tap_is_indexed(null, $1, $2, format('Should have an index on %s(%s)', quote_ident($1), array_to_string($2, ', '))) $$;
create function is_indexed(name, name, name, text) returns text language sql as
$$ select _tap_is_indexed($1, $2, array[$3], $4) $$;
create function is_indexed(name, name, name) returns text language sql as $$ select is_indexed($1, $2, array[$3]) $$;
create function is_indexed(name, name) returns text language sql as $$ select is_indexed($1, array[$2]) $$;

create function _tap_trigger(schema name, relation name, name name) returns pg_trigger language sql stable as $$
    select t from pg_trigger as t
    where t.tgrelid = _tap_relation('rpvf', schema, relation) and t.tgname = name and not t.tgisinternal
$$;
create function has_trigger(name, name, name, text) returns text language sql as
$$ select ok((_tap_trigger($1, $2, $3)).oid is not null, $4) $$;
create function has_trigger(name, name, name) returns text language sql as
$$ select has_trigger($1, $2, $3, format('Table %s should have trigger %s', _tap_name($1, $2), quote_ident($3))) $$;
create function has_trigger(name, name, text) returns text language sql as $$ select has_trigger(null, $1, $2, $3) $$;
create function has_trigger(name, name) returns text language sql as
$$ select has_trigger(null, $1, $2, format('Table %s should have trigger %s', quote_ident($1), quote_ident($2))) $$;
create function hasnt_trigger(name, name, name, text) returns text language sql as
$$ select ok((_tap_trigger($1, $2, $3)).oid is null, $4) $$;
create function hasnt_trigger(name, name, name) returns text language sql as
$$ select hasnt_trigger($1, $2, $3, format('Table %s should not have trigger %s', _tap_name($1, $2), quote_ident($3))) $$;
create function hasnt_trigger(name, name, text) returns text language sql as $$ select hasnt_trigger(null, $1, $2, $3) $$;
create function hasnt_trigger(name, name) returns text language sql as
$$ select hasnt_trigger(null, $1, $2, format('Table %s should not have trigger %s', quote_ident($1), quote_ident($2))) $$;

create function _tap_trigger_is(name, name, name, schema name, function name, text) returns text language sql as $$
    select _tap_judge(
        found.called is not null and found.function = $5 and found.schema = coalesce($4, found.schema), $6,
        format(e'        have: %s\n        want: %s', coalesce(found.called, 'NULL'), _tap_name($4, $5))
    )
    from (values (_tap_trigger($1, $2, $3))) as t (trigger)
    left join lateral (
        select n.nspname as schema, p.proname as function, _tap_name(n.nspname, p.proname) as called
        from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace where p.oid = (t.trigger).tgfoid
    ) as found on true
$$;
create function trigger_is(name, name, name, name, name, text) returns text language sql as
$$ select _tap_trigger_is($1, $2, $3, $4, $5, $6) $$;
create function trigger_is(name, name, name, name, name) returns text language sql as
$$ select _tap_trigger_is($1, $2, $3, $4, $5, format('Trigger %s should call %s()', quote_ident($3), _tap_name($4, $5))) $$;
create function trigger_is(name, name, name, text) returns text language sql as
$$ select _tap_trigger_is(null, $1, $2, null, $3, $4) $$;
create function trigger_is(name, name, name) returns text language sql as
$$ select _tap_trigger_is(null, $1, $2, null, $3, format('Trigger %s should call %s()', quote_ident($2), quote_ident($3))) $$;
