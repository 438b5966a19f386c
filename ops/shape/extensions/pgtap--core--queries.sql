-- Tests of queries: whether they throw or live, and which rows they return.
-- A query is SQL, or the name of a prepared statement.

create function _tap_query(query text) returns text language sql as $$
    select case
        when query like '"%' or query !~ '[[:space:]]' then 'execute ' || query
        else query
    end
$$;

create function _tap_throws(
    query text, wanted_state text, passes text, wanted_message text, description text
) returns text language plpgsql as $$
declare
    caught text;
    holds boolean := false;
    wanted text := concat_ws(': ', coalesce(wanted_state, case when wanted_message is null then 'an exception' end), wanted_message);
begin
    begin
        execute _tap_query(query);
        caught := 'no exception';
    exception when others or assert_failure then
        caught := sqlstate || ': ' || sqlerrm;
        holds := (wanted_state is null or sqlstate = wanted_state)
            and case passes
                when '=' then wanted_message is null or sqlerrm = wanted_message
                when '~~' then sqlerrm ~~ wanted_message
                when '~~*' then sqlerrm ~~* wanted_message
                when '~' then sqlerrm ~ wanted_message
                when '~*' then sqlerrm ~* wanted_message
            end;
    end;
    return _tap_judge(holds, description, format(e'      caught: %s\n      wanted: %s', caught, wanted));
end
$$;

create function throws_ok(text, character, text, text) returns text language sql as $$
    select _tap_throws($1, trim($2::text), '=', $3, coalesce(nullif($4, ''), 'threw ' || coalesce(nullif(concat_ws(': ', trim($2::text), $3), ''), 'an exception')))
$$;
create function throws_ok(text, text, text) returns text language sql as $$
    select case
        when octet_length($2) = 5 then throws_ok($1, $2::character(5), $3, null)
        else throws_ok($1, null, $2, $3)
    end
$$;
create function throws_ok(text, text) returns text language sql as $$
    select case
        when octet_length($2) = 5 then throws_ok($1, $2::character(5), null, null)
        else throws_ok($1, null, $2, null)
    end
$$;
create function throws_ok(text) returns text language sql as $$ select throws_ok($1, null, null, null) $$;
create function throws_ok(text, integer, text, text) returns text language sql as
$$ select throws_ok($1, $2::character(5), $3, $4) $$;
create function throws_ok(text, integer, text) returns text language sql as
$$ select throws_ok($1, $2::character(5), $3, null) $$;
create function throws_ok(text, integer) returns text language sql as
$$ select throws_ok($1, $2::character(5), null, null) $$;

do $make$
declare
    each record;
begin
    for each in
        select * from (
            values
            ('throws_like', '~~', 'like'), ('throws_ilike', '~~*', 'like'),
            ('throws_matching', '~', 'matching'), ('throws_imatching', '~*', 'matching')
        ) as t (name, operator, said)
    loop
        execute format(
            $f$
            create function %1$I(text, text, text) returns text language sql as $$ select _tap_throws($1, null, %2$L, $2, $3) $$;
            create function %1$I(text, text) returns text language sql as
            $$ select %1$I($1, $2, 'Should throw exception %3$s ' || quote_literal($2)) $$;
            $f$,
            each.name, each.operator, each.said
        );
    end loop;
end
$make$;

create function lives_ok(text, text) returns text language plpgsql as $$
declare
    more text;
    tip text;
begin
    begin
        execute _tap_query($1);
    exception when others or assert_failure then
        get stacked diagnostics more = pg_exception_detail, tip = pg_exception_hint;
        return _tap_judge(
            false, $2,
            format('    died: %s: %s', sqlstate, sqlerrm)
            || case when more <> '' then e'\n        DETAIL:  ' || more else '' end
            || case when tip <> '' then e'\n        HINT:  ' || tip else '' end
        );
    end;
    return ok(true, $2);
end
$$;
create function lives_ok(text) returns text language sql as $$ select lives_ok($1, null) $$;

create function performs_ok(text, numeric, text) returns text language plpgsql as $$
declare
    began timestamptz := clock_timestamp();
    took numeric;
begin
    execute _tap_query($1);
    took := round(extract(epoch from clock_timestamp() - began)::numeric * 1000, 3);
    return _tap_judge(took <= $2, $3, format(e'      runtime: %s ms\n      exceeds: %s ms', took, $2));
end
$$;
create function performs_ok(text, numeric) returns text language sql as
$$ select performs_ok($1, $2, format('Should run in less than %s ms', $2)) $$;

create function is_empty(text, text) returns text language plpgsql as $$
declare
    found_row record;
    seen text := '';
begin
    for found_row in execute _tap_query($1) loop
        seen := seen || e'\n        ' || found_row::text;
    end loop;
    return _tap_judge(seen = '', $2, '    Unexpected records:' || seen);
end
$$;
create function is_empty(text) returns text language sql as $$ select is_empty($1, null) $$;

create function isnt_empty(text, text) returns text language plpgsql as $$
declare
    found_row record;
    seen boolean := false;
begin
    for found_row in execute _tap_query($1) loop
        seen := true;
        exit;
    end loop;
    return ok(seen, $2);
end
$$;
create function isnt_empty(text) returns text language sql as $$ select isnt_empty($1, null) $$;

create function row_eq(text, anyelement, text) returns text language plpgsql as $$
declare
    have record;
begin
    execute _tap_query($1) into have;
    return _tap_judge(
        have is not distinct from $2, $3,
        format(e'        have: %s\n        want: %s', coalesce(have::text, 'NULL'), coalesce($2::text, 'NULL'))
    );
exception
    when datatype_mismatch then
        return _tap_judge(
            false, $3,
            format(e'    Number of columns or their types differ between the query and the row:\n        have: %s\n        want: %s', have, $2)
        );
end
$$;
create function row_eq(text, anyelement) returns text language sql as $$ select row_eq($1, $2, null) $$;

-- Rows in their order: null where they are the same, and else what is said of the first that differ.
create function _tap_first_difference(have refcursor, want refcursor) returns text language plpgsql as $$
declare
    have_row record;
    want_row record;
    have_found boolean;
    want_found boolean;
    number bigint := 0;
begin
    loop
        number := number + 1;
        fetch have into have_row;
        have_found := found;
        fetch want into want_row;
        want_found := found;
        if not have_found and not want_found then
            return null;
        end if;
        if have_found <> want_found or have_row is distinct from want_row then
            return format(
                e'    Results differ beginning at row %s:\n        have: %s\n        want: %s', number,
                case when have_found then have_row::text else 'NULL' end, case when want_found then want_row::text else 'NULL' end
            );
        end if;
    end loop;
exception
    when datatype_mismatch then
        return e'    Number of columns or their types differ between the queries:\n        have: '
            || coalesce(have_row::text, 'NULL') || e'\n        want: ' || coalesce(want_row::text, 'NULL')
            || e'\n        ERROR: ' || sqlerrm;
end
$$;

create function results_eq(refcursor, refcursor, text) returns text language plpgsql as $$
declare
    difference text := _tap_first_difference($1, $2);
begin
    return _tap_judge(difference is null, $3, difference);
end
$$;
create function results_ne(refcursor, refcursor, text) returns text language plpgsql as $$
declare
    difference text := _tap_first_difference($1, $2);
begin
    return _tap_judge(
        difference is not null, $3, e'    The results are the same, row by row'
    );
end
$$;

create function _tap_open(text) returns refcursor language plpgsql as $$
declare
    opened refcursor;
begin
    open opened for execute _tap_query($1);
    return opened;
end
$$;
create function _tap_open(anyarray) returns refcursor language plpgsql as $$
declare
    opened refcursor;
begin
    open opened for select * from unnest($1) as t;
    return opened;
end
$$;

-- Cursors that are opened here are closed here, since an open one keeps its tables from TRUNCATE and ALTER.
do $make$
declare
    name text;
    types text[];
    have text;
    want text;
    closing text;
begin
    foreach name in array array['results_eq', 'results_ne'] loop
        foreach types slice 1 in array array[
            ['refcursor', 'refcursor'], ['text', 'text'], ['text', 'anyarray'],
            ['text', 'refcursor'], ['refcursor', 'text'], ['refcursor', 'anyarray']
        ] loop
            have := case when types[1] = 'refcursor' then '$1' else '_tap_open($1)' end;
            want := case when types[2] = 'refcursor' then '$2' else '_tap_open($2)' end;
            closing := concat(
                case when types[1] <> 'refcursor' then 'close have; ' end, case when types[2] <> 'refcursor' then 'close want; ' end
            );
            if closing <> '' then
                execute format(
                    'create function %1$I(%2$s, %3$s, text) returns text language plpgsql as $$
                    declare have refcursor := %4$s; want refcursor := %5$s; judged text := %1$I(have, want, $3);
                    begin %6$s return judged; end $$',
                    name, types[1], types[2], have, want, closing
                );
            end if;
            execute format(
                'create function %1$I(%2$s, %3$s) returns text language sql as $$ select %1$I($1, $2, null::text) $$',
                name, types[1], types[2]
            );
        end loop;
    end loop;
end
$make$;

-- Rows of a query in a temporary table, since a prepared statement cannot stand in a subquery.
create function _tap_store(name text, query text) returns void language plpgsql as $$
begin
    execute format('create temporary table %I as %s', name, _tap_query(query));
end
$$;
create function _tap_store(name text, elements anyarray) returns void language plpgsql as $$
begin
    execute format('create temporary table %I as select unnest($1) as element', name) using elements;
end
$$;

create function _tap_column_types(stored text) returns text language sql as $$
    select string_agg(format_type(atttypid, atttypmod), ',' order by attnum)
    from pg_attribute where attrelid = stored::regclass and attnum > 0
$$;

-- Compares two stored sets or bags and drops them; `relation` is eq, ne, has or hasnt.
create function _tap_sets(relation text, every text, description text) returns text language plpgsql as $$
declare
    extra text;
    missing text;
    common text;
    complaint text := '';
    rows_of constant text := 'select string_agg(e''\n        '' || t::text, '''') from (table pg_temp.%I %s %s table pg_temp.%I) as t';
begin
    begin
        execute format(rows_of, '_tap_have', 'except', every, '_tap_want') into extra;
        execute format(rows_of, '_tap_want', 'except', every, '_tap_have') into missing;
        execute format(rows_of, '_tap_have', 'intersect', every, '_tap_want') into common;
    exception when syntax_error or datatype_mismatch or undefined_function then
        complaint := format(
            e'    Columns differ between queries:\n        have: (%s)\n        want: (%s)',
            _tap_column_types('pg_temp._tap_have'), _tap_column_types('pg_temp._tap_want')
        );
        drop table pg_temp._tap_have, pg_temp._tap_want;
        return _tap_judge(relation in ('ne', 'hasnt'), description, complaint);
    end;
    drop table pg_temp._tap_have, pg_temp._tap_want;
    if relation = 'eq' and extra is not null then
        complaint := '    Extra records:' || extra;
    end if;
    if relation in ('eq', 'has') and missing is not null then
        complaint := concat_ws(e'\n', nullif(complaint, ''), '    Missing records:' || missing);
    end if;
    if relation = 'ne' and extra is null and missing is null then
        complaint := '    Both queries return the same records';
    end if;
    if relation = 'hasnt' and common is not null then
        complaint := '    Extra records:' || common;
    end if;
    return _tap_judge(complaint = '', description, complaint);
end
$$;

do $make$
declare
    kind text;
    relation text;
    want text;
begin
    foreach kind in array array['set', 'bag'] loop
        foreach relation in array array['eq', 'ne', 'has', 'hasnt'] loop
            foreach want in array case when relation in ('eq', 'ne') then array['text', 'anyarray'] else array['text'] end loop
                execute format(
                    $f$
                    create function %1$I(text, %2$s, text) returns text language plpgsql as $$
                    begin
                        perform _tap_store('_tap_have', $1), _tap_store('_tap_want', $2);
                        return _tap_sets(%3$L, %4$L, $3);
                    end
                    $$;
                    create function %1$I(text, %2$s) returns text language sql as $$ select %1$I($1, $2, null::text) $$;
                    $f$,
                    kind || '_' || relation, want, relation, case when kind = 'bag' then 'all' else '' end
                );
            end loop;
        end loop;
    end loop;
end
$make$;
