-- Tests of functions: that they exist, what they return, in which language, and how they run.
-- Without arguments any function of the name will do, and each of them must be so.

create function _tap_functions(schema name, name name, arguments name[]) returns setof pg_proc language sql stable as $$
    select p
    from pg_proc as p
    join pg_namespace as n on n.oid = p.pronamespace
    where
        p.proname = name
        and case when schema is null then pg_function_is_visible(p.oid) else n.nspname = schema end
        and (
            arguments is null
            or array(
                select coalesce(to_regtype(lower(regexp_replace(regexp_replace(a::text, '^variadic ', '', 'i'), '\([0-9, ]+\)', '')))::oid, 0)
                from unnest(arguments) as a
                where a is not null
            ) = array(select unnest(p.proargtypes))
        )
$$;

create function _tap_function_name(schema name, name name, arguments name[]) returns text language sql immutable as
$$ select _tap_name(schema, name) || '(' || coalesce(array_to_string(arguments, ', '), '') || ')' $$;

-- What a function returns, as the server writes it; a set is a `setof`.
create function _tap_returns(function pg_proc) returns text language sql stable as $$
    select case
        when function.prokind = 'p' then ''
        else case when function.proretset then 'setof ' else '' end || format_type(function.prorettype, null)
    end
$$;

create function _tap_type_of_result(written text) returns text language sql stable as $$
    select coalesce(substring(lower(written) from '^setof '), '') || coalesce(
        format_type(to_regtype(regexp_replace(written, '^setof ', '', 'i')), null), regexp_replace(written, '^setof ', '', 'i')
    )
$$;

create function _tap_volatility(letter text) returns text language sql immutable as
$$ select case letter when 'i' then 'IMMUTABLE' when 's' then 'STABLE' when 'v' then 'VOLATILE' end $$;

-- Makes the eight forms of a test of a function; `holds` is an expression over `p`, a pg_proc, and $w, what is wanted.
create function _tap_make_function_test(
    test text, holds text, wanted_type text, title text, exists_only boolean, negated boolean
) returns void language plpgsql as $outer$
declare
    schemas boolean;
    arguments boolean;
    types text[];
    place text[];
    wanted text;
    shown text;
    body text;
begin
    foreach schemas in array array[true, false] loop
        foreach arguments in array array[true, false] loop
            types := case when schemas then array['name'] else '{}' end || array['name']
                || case when arguments then array['name[]'] else '{}' end;
            place := array[
                case when schemas then '$1' else 'null::name' end, case when schemas then '$2' else '$1' end,
                case when arguments then '$' || cardinality(types) else 'null::name[]' end
            ];
            wanted := '$' || (cardinality(types) + 1);
            if wanted_type is not null then
                types := types || wanted_type;
            end if;
            shown := format('replace(%L, ''%%s'', _tap_function_name(%s))', title, array_to_string(place, ', '))
                || case
                    when test = 'volatility_is' then ' || _tap_volatility(lower(left(' || wanted || ', 1)))'
                    when wanted_type is not null then ' || ' || wanted
                    else ''
                end;
            if exists_only then
                body := format(
                    'select ok(%s exists (select from _tap_functions(%s)), $%s)',
                    case when negated then 'not' else '' end, array_to_string(place, ', '), cardinality(types) + 1
                );
            else
                body := format(
                    $f$
                    select case
                        when not exists (select from _tap_functions(%1$s)) then
                            fail($%4$s) || e'\n' || diag('    Function ' || _tap_function_name(%1$s) || ' does not exist')
                        else (select _tap_judge(bool_and(%2$s (%3$s)), $%4$s, %5$s) from _tap_functions(%1$s) as p)
                    end
                    $f$,
                    array_to_string(place, ', '), case when negated then 'not' else '' end, replace(holds, '$w', wanted),
                    cardinality(types) + 1,
                    case
                        when test = 'function_returns' then
                            format($f$ format(e'        have: %%s\n        want: %%s', min(_tap_returns(p)), %s) $f$, wanted)
                        when test = 'volatility_is' then format(
                            $f$ format(e'        have: %%s\n        want: %%s', min(_tap_volatility(p.provolatile::text)), _tap_volatility(lower(left(%s, 1)))) $f$,
                            wanted
                        )
                        else 'null'
                    end
                );
            end if;
            execute format(
                'create function %I(%s, text) returns text language sql as $body$ %s $body$', test, array_to_string(types, ', '), body
            );
            execute format(
                'create function %1$I(%2$s) returns text language sql as $body$ select %1$I(%3$s, %4$s) $body$',
                test, array_to_string(types, ', '),
                (select string_agg('$' || n, ', ' order by n) from generate_series(1, cardinality(types)) as n), shown
            );
        end loop;
    end loop;
end
$outer$;

select
    _tap_make_function_test('has_function', null, null, 'Function %s should exist', true, false),
    _tap_make_function_test('hasnt_function', null, null, 'Function %s should not exist', true, true),
    _tap_make_function_test(
        'function_returns', 'lower(_tap_returns(p)) in (lower($w), lower(_tap_type_of_result($w)))', 'text',
        'Function %s should return ', false, false
    ),
    _tap_make_function_test(
        'function_lang_is', '(select l.lanname from pg_language as l where l.oid = p.prolang) = $w', 'name',
        'Function %s should be written in ', false, false
    ),
    _tap_make_function_test(
        'volatility_is',
        '_tap_volatility(p.provolatile::text) = _tap_volatility(lower(left($w, 1)))', 'text', 'Function %s should be ', false, false
    ),
    _tap_make_function_test('is_definer', 'p.prosecdef', null, 'Function %s should be security definer', false, false),
    _tap_make_function_test('isnt_definer', 'p.prosecdef', null, 'Function %s should not be security definer', false, true),
    _tap_make_function_test('is_strict', 'p.proisstrict', null, 'Function %s should be strict', false, false),
    _tap_make_function_test('isnt_strict', 'p.proisstrict', null, 'Function %s should not be strict', false, true),
    _tap_make_function_test('is_normal_function', $$ p.prokind = 'f' $$, null, 'Function %s should be a normal function', false, false),
    _tap_make_function_test('isnt_normal_function', $$ p.prokind = 'f' $$, null, 'Function %s should not be a normal function', false, true),
    _tap_make_function_test('is_procedure', $$ p.prokind = 'p' $$, null, 'Function %s should be a procedure', false, false),
    _tap_make_function_test('isnt_procedure', $$ p.prokind = 'p' $$, null, 'Function %s should not be a procedure', false, true),
    _tap_make_function_test('is_aggregate', $$ p.prokind = 'a' $$, null, 'Function %s should be an aggregate function', false, false),
    _tap_make_function_test('isnt_aggregate', $$ p.prokind = 'a' $$, null, 'Function %s should not be an aggregate function', false, true);
drop function _tap_make_function_test;
