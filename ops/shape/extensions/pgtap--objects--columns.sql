-- Tests of columns and of the constraints over them.
-- Any way to write a type is that type; its modifier, such as (10,2), belongs to it.

create function _tap_column(schema name, relation name, name name) returns pg_attribute language sql stable as $$
    select a
    from pg_attribute as a
    where a.attrelid = _tap_relation('rvmfpc', schema, relation) and a.attname = name and a.attnum > 0 and not a.attisdropped
$$;

create function _tap_column_name(schema name, relation name, name name) returns text language sql immutable as
$$ select _tap_name(schema, relation) || '.' || quote_ident(name) $$;

do $make$
declare
    each record;
begin
    for each in
        select * from (
            values
            ('has_column', 'Column ', ' should exist', '(%s).attname is not null', false),
            ('hasnt_column', 'Column ', ' should not exist', '(%s).attname is null', false),
            ('col_not_null', 'Column ', ' should be NOT NULL', '(%s).attnotnull', true),
            ('col_is_null', 'Column ', ' should allow NULL', 'not (%s).attnotnull', true),
            ('col_has_default', 'Column ', ' should have a default', '(%s).atthasdef', true),
            ('col_hasnt_default', 'Column ', ' should not have a default', 'not (%s).atthasdef', true)
        ) as t (name, opening, ending, holds, needs_it)
    loop
        execute format(
            $f$
            create function %1$I(name, name, name, text) returns text language plpgsql as $$
            begin
                if %5$L and (_tap_column($1, $2, $3)).attname is null then
                    return fail($4) || e'\n' || diag(format('    Column %%s does not exist', _tap_column_name($1, $2, $3)));
                end if;
                return ok(%2$s, $4);
            end
            $$;
            create function %1$I(name, name, text) returns text language sql as $$ select %1$I(null, $1, $2, $3) $$;
            create function %1$I(name, name) returns text language sql as
            $$ select %1$I(null, $1, $2, %3$L || _tap_column_name(null, $1, $2) || %4$L) $$;
            $f$,
            each.name, format(each.holds, '_tap_column($1, $2, $3)'), each.opening, each.ending, each.needs_it
        );
        continue when each.name not in ('col_not_null', 'col_is_null');
        execute format(
            $f$
            create function %1$I(name, name, name) returns text language sql as
            $$ select %1$I($1, $2, $3, %2$L || _tap_column_name($1, $2, $3) || %3$L) $$;
            $f$,
            each.name, each.opening, each.ending
        );
    end loop;
end
$make$;

create function _tap_same_type(have oid, modifier integer, schema name, wanted text) returns boolean language sql stable as $$
    select
        to_regtype(coalesce(quote_ident(schema) || '.', '') || regexp_replace(wanted, '\([0-9, ]+\)', '')) = have
        and coalesce(replace(substring(wanted from '\([0-9, ]+\)'), ' ', ''), '')
        = coalesce(substring(format_type(have, modifier) from '\([0-9,]+\)'), '')
$$;

create function _tap_col_type_is(name, name, name, name, text, text) returns text language plpgsql as $$
declare
    found_column pg_attribute := _tap_column($1, $2, $3);
begin
    if found_column.attname is null then
        return fail($6) || e'\n' || diag(format('   Column %s does not exist', _tap_column_name($1, $2, $3)));
    end if;
    return _tap_judge(
        _tap_same_type(found_column.atttypid, found_column.atttypmod, $4, $5), $6,
        format(
            e'        have: %s\n        want: %s',
            format_type(found_column.atttypid, found_column.atttypmod), coalesce(quote_ident($4) || '.', '') || $5
        )
    );
end
$$;
create function col_type_is(name, name, name, name, text, text) returns text language sql as
$$ select _tap_col_type_is($1, $2, $3, $4, $5, $6) $$;
create function col_type_is(name, name, name, name, text) returns text language sql as $$
    select _tap_col_type_is(
        $1, $2, $3, $4, $5, format('Column %s should be type %s.%s', _tap_column_name($1, $2, $3), quote_ident($4), $5)
    )
$$;
create function col_type_is(name, name, name, text, text) returns text language sql as
$$ select _tap_col_type_is($1, $2, $3, null, $4, $5) $$;
create function col_type_is(name, name, name, text) returns text language sql as
$$ select _tap_col_type_is($1, $2, $3, null, $4, format('Column %s should be type %s', _tap_column_name($1, $2, $3), $4)) $$;
create function col_type_is(name, name, text, text) returns text language sql as
$$ select _tap_col_type_is(null, $1, $2, null, $3, $4) $$;
create function col_type_is(name, name, text) returns text language sql as
$$ select _tap_col_type_is(null, $1, $2, null, $3, format('Column %s should be type %s', _tap_column_name(null, $1, $2), $3)) $$;

create function _tap_col_default_is(name, name, name, wanted text, wanted_type regtype, text) returns text language plpgsql as $$
declare
    found_column pg_attribute := _tap_column($1, $2, $3);
    said text;
    valued text;
begin
    if found_column.attname is null then
        return fail($6) || e'\n' || diag(format('    Column %s does not exist', _tap_column_name($1, $2, $3)));
    elsif not found_column.atthasdef then
        return fail($6) || e'\n' || diag(format('    Column %s has no default', _tap_column_name($1, $2, $3)));
    end if;
    said := (select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = found_column.attrelid and adnum = found_column.attnum);
    if said = wanted then
        return ok(true, $6);
    end if;
    if said ~ '^(''.*''::[^:()]+|[-0-9.]+|\(.*\)::[^:()]+|true|false|NULL.*)$' then
        execute format('select (%s)::text', said) into valued;
    else
        valued := said;
    end if;
    return _tap_judge(
        valued is not distinct from wanted, $6,
        format(e'        have: %s\n        want: %s', coalesce(valued, 'NULL'), coalesce(wanted, 'NULL'))
    );
end
$$;

do $make$
declare
    kind text;
begin
    foreach kind in array array['anyelement', 'text'] loop
        execute format(
            $f$
            create function col_default_is(name, name, name, %1$s, text) returns text language sql as
            $$ select _tap_col_default_is($1, $2, $3, $4::text, pg_typeof($4), $5) $$;
            create function col_default_is(name, name, %1$s, text) returns text language sql as
            $$ select _tap_col_default_is(null, $1, $2, $3::text, pg_typeof($3), $4) $$;
            create function col_default_is(name, name, %1$s) returns text language sql as $$
                select _tap_col_default_is(
                    null, $1, $2, $3::text, pg_typeof($3),
                    format('Column %%s should default to %%s', _tap_column_name(null, $1, $2), coalesce(quote_literal($3), 'NULL'))
                )
            $$;
            $f$,
            kind
        );
    end loop;
end
$make$;

-- The column lists of a table's constraints of one kind, each in its order.
create function _tap_keys(kind "char", schema name, relation name) returns setof name[] language sql stable as $$
    select array(
        select a.attname
        from unnest(c.conkey) with ordinality as k (number, place)
        join pg_attribute as a on a.attrelid = c.conrelid and a.attnum = k.number
        order by k.place
    )
    from pg_constraint as c
    where c.contype = kind and c.conrelid = _tap_relation('rp', schema, relation)
$$;

create function _tap_key(
    kind "char", negated boolean, schema name, relation name, columns name[], description text
) returns text language sql as $$
    with found as (
        select k.columns, case
            when kind = 'c' then k.columns <@ _tap_key.columns and k.columns @> _tap_key.columns
            else k.columns = _tap_key.columns
        end as same
        from _tap_keys(kind, schema, relation) as k (columns)
    )
    select _tap_judge(
        coalesce(bool_or(same), false) <> negated,
        coalesce(
            description,
            case when cardinality(_tap_key.columns) = 1 then 'Column ' else 'Columns ' end || _tap_name(schema, relation) || '('
            || array_to_string(_tap_key.columns, ', ') || ') should ' || case when negated then 'not ' else '' end
            || case kind
                when 'p' then 'be a primary key' when 'f' then 'be a foreign key'
                when 'u' then 'have a unique constraint' else 'have a check constraint'
            end
        ),
        format(e'        have: %s\n        want: %s', coalesce(string_agg(found.columns::text, e'\n              '), 'NULL'), _tap_key.columns)
    )
    from found
$$;

do $make$
declare
    each record;
    columns text;
    list text;
begin
    for each in
        select * from (
            values
            ('col_is_pk', 'p', false), ('col_isnt_pk', 'p', true), ('col_is_fk', 'f', false), ('col_isnt_fk', 'f', true),
            ('col_is_unique', 'u', false), ('col_has_check', 'c', false)
        ) as t (name, kind, negated)
    loop
        foreach columns in array array['name', 'name[]'] loop
            list := case when columns = 'name' then 'array[%s]' else '%s' end;
            execute format(
                $f$
                create function %1$I(name, name, %2$s, text) returns text language sql as
                $$ select _tap_key(%3$L, %4$L, $1, $2, %5$s, coalesce($4, '')) $$;
                create function %1$I(name, %2$s, text) returns text language sql as
                $$ select _tap_key(%3$L, %4$L, null, $1, %6$s, coalesce($3, '')) $$;
                create function %1$I(name, %2$s) returns text language sql as
                $$ select _tap_key(%3$L, %4$L, null, $1, %6$s, null) $$;
                $f$,
                each.name, columns, each.kind, each.negated, format(list, '$3'), format(list, '$2')
            );
            continue when each.name <> 'col_is_unique';
            execute format(
                $f$
                create function col_is_unique(name, name, %1$s) returns text language sql as
                $$ select _tap_key('u', false, $1, $2, %2$s, null) $$;
                $f$,
                columns, format(list, '$3')
            );
        end loop;
    end loop;
    for each in
        select * from (
            values
            ('has_pk', 'p', '', ' should have a primary key'), ('hasnt_pk', 'p', 'not', ' should not have a primary key'),
            ('has_fk', 'f', '', ' should have a foreign key constraint'),
            ('hasnt_fk', 'f', 'not', ' should not have a foreign key constraint'),
            ('has_unique', 'u', '', ' should have a unique constraint'), ('has_check', 'c', '', ' should have a check constraint')
        ) as t (name, kind, negated, ending)
    loop
        execute format(
            $f$
            create function %1$I(name, name, text) returns text language sql as
            $$ select ok(%2$s exists (select from _tap_keys(%3$L, $1, $2)), $3) $$;
            create function %1$I(name, text) returns text language sql as
            $$ select ok(%2$s exists (select from _tap_keys(%3$L, null, $1)), $2) $$;
            create function %1$I(name) returns text language sql as $$ select %1$I($1, 'Table ' || quote_ident($1) || %4$L) $$;
            $f$,
            each.name, each.negated, each.kind, each.ending
        );
    end loop;
end
$make$;

create function _tap_fk_ok(name, name, name[], name, name, name[], text) returns text language sql as $$
    with wanted as (
        select
            format('%s(%s)', _tap_name($1, $2), array_to_string($3, ', ')) as here,
            format('%s(%s)', _tap_name($4, $5), array_to_string($6, ', ')) as there
    ),
    found as (
        select
            array(
                select a.attname from unnest(c.conkey) with ordinality as k (number, place)
                join pg_attribute as a on a.attrelid = c.conrelid and a.attnum = k.number order by k.place
            ) as here,
            c.confrelid,
            array(
                select a.attname from unnest(c.confkey) with ordinality as k (number, place)
                join pg_attribute as a on a.attrelid = c.confrelid and a.attnum = k.number order by k.place
            ) as there
        from pg_constraint as c
        where c.contype = 'f' and c.conrelid = _tap_relation('rp', $1, $2)
    )
    select _tap_judge(
        exists (select from found where found.here = $3 and found.confrelid = _tap_relation('rp', $4, $5) and found.there = $6),
        coalesce($7, wanted.here || ' should reference ' || wanted.there),
        format(
            e'        have: %s\n        want: %s REFERENCES %s',
            coalesce(
                (select format('%s(%s) REFERENCES %s(%s)', _tap_name($1, $2), array_to_string(found.here, ', '), found.confrelid::regclass, array_to_string(found.there, ', ')) from found where found.here = $3 limit 1),
                wanted.here || ' REFERENCES NOTHING'
            ),
            wanted.here, wanted.there
        )
    )
    from wanted
$$;
create function fk_ok(name, name, name[], name, name, name[], text) returns text language sql as
$$ select _tap_fk_ok($1, $2, $3, $4, $5, $6, $7) $$;
create function fk_ok(name, name, name[], name, name, name[]) returns text language sql as
$$ select _tap_fk_ok($1, $2, $3, $4, $5, $6, null) $$;
create function fk_ok(name, name[], name, name[], text) returns text language sql as
$$ select _tap_fk_ok(null, $1, $2, null, $3, $4, $5) $$;
create function fk_ok(name, name[], name, name[]) returns text language sql as
$$ select _tap_fk_ok(null, $1, $2, null, $3, $4, null) $$;
create function fk_ok(name, name, name, name, name, name, text) returns text language sql as
$$ select _tap_fk_ok($1, $2, array[$3], $4, $5, array[$6], $7) $$;
create function fk_ok(name, name, name, name, name, text) returns text language sql as
$$ select _tap_fk_ok($1, $2, array[$3], $4, $5, array[$6::name], null) $$;
create function fk_ok(name, name, name, name, text) returns text language sql as
$$ select _tap_fk_ok(null, $1, array[$2], null, $3, array[$4], $5) $$;
create function fk_ok(name, name, name, name) returns text language sql as
$$ select _tap_fk_ok(null, $1, array[$2], null, $3, array[$4], null) $$;
