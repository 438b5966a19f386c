-- The core of a stand-in for pgTAP: plans, results, diagnostics, TODO and SKIP, and comparisons of values.
-- State lives in settings of the session, which a ROLLBACK takes back, and numbers in a sequence, which it does not.

create function _tap_get(key text) returns text language sql as
$$ select nullif(current_setting('pgtap.' || key, true), '') $$;

create function _tap_set(key text, value text) returns void language sql as
$$ select set_config('pgtap.' || key, coalesce(value, ''), false) $$;

create function _tap_begin(planned text) returns void language plpgsql as $$
begin
    if _tap_get('plan') is not null then
        raise exception 'You tried to plan twice!';
    end if;
    perform _tap_set('plan', planned), _tap_set('failed', '0'), _tap_set('todo', '[]');
    if to_regclass('pg_temp._tap_number') is null then
        create temporary sequence _tap_number;
        -- Tests go on as other roles than the one that plans them.
        grant all on sequence pg_temp._tap_number to public;
    else
        perform setval('pg_temp._tap_number', 1, false);
    end if;
end
$$;

create function plan(integer) returns text language plpgsql strict as $$
begin
    perform _tap_begin($1::text);
    return '1..' || $1;
end
$$;

create function no_plan() returns setof boolean language plpgsql strict as $$
begin
    perform _tap_begin('none');
    return;
end
$$;

create function _tap_number() returns bigint language plpgsql as $$
begin
    return (select case when is_called then last_value else 0 end from pg_temp._tap_number);
end
$$;

create function num_failed() returns integer language sql as $$ select _tap_get('failed')::integer $$;

create function finish(exception_on_failure boolean default null) returns setof text language plpgsql as $$
declare
    planned text := _tap_get('plan');
    failed integer := num_failed();
    ran bigint;
    ending text := '';
begin
    if planned is null then
        raise exception '# No tests run!';
    end if;
    ran := _tap_number();
    perform _tap_set('plan', null);
    if ran = 0 then
        raise exception '# No tests run!';
    end if;
    if planned = 'none' then
        return next '1..' || ran;
        planned := ran::text;
    end if;
    if ran <> planned::bigint then
        ending := format(
            '# Looks like you planned %s test%s but ran %s', planned, case when planned = '1' then '' else 's' end, ran
        );
    elsif failed > 0 then
        ending := format('# Looks like you failed %s test%s of %s', failed, case when failed = 1 then '' else 's' end, ran);
    end if;
    if ending <> '' then
        return next ending;
    end if;
    if exception_on_failure and failed > 0 then
        raise exception '% test% failed of %', failed, case when failed = 1 then '' else 's' end, ran;
    end if;
end
$$;

create function diag(msg text) returns text language sql strict as
$$ select '# ' || replace(replace(msg, e'\r\n', e'\n'), e'\n', e'\n# ') $$;
create function diag(msg anyelement) returns text language sql as $$ select diag(msg::text) $$;
create function diag(variadic text[]) returns text language sql as $$ select diag(array_to_string($1, '')) $$;
create function diag(variadic anyarray) returns text language sql as $$ select diag(array_to_string($1, '')) $$;

-- What is to be done of the next test: the reason of the innermost TODO, which it uses up.
create function _tap_todo() returns text language plpgsql as $$
declare
    stack jsonb := coalesce(_tap_get('todo'), '[]')::jsonb;
    top jsonb := stack -> -1;
    remaining integer := (top ->> 'left')::integer;
begin
    if top is null then
        return null;
    end if;
    if remaining = 1 then
        perform _tap_set('todo', (stack - -1)::text);
    elsif remaining > 1 then
        perform _tap_set('todo', jsonb_set(stack, '{-1,left}', to_jsonb(remaining - 1))::text);
    end if;
    return top ->> 'why';
end
$$;

create function ok(boolean, text) returns text language plpgsql as $$
declare
    passed boolean := coalesce($1, false);
    number bigint;
    todo text;
    said text := '';
    quoted text := '';
begin
    if _tap_get('plan') is null then
        raise exception 'You tried to run a test without a plan! Gotta have a plan';
    end if;
    number := nextval('pg_temp._tap_number');
    todo := _tap_todo();
    if $2 is not null and $2 <> '' then
        said := ' - ' || replace($2, e'\n', e'\n# ');
        quoted := ': "' || $2 || '"';
    end if;
    said := case when passed then 'ok ' else 'not ok ' end || number || said;
    if todo is not null then
        said := said || ' ' || diag('TODO ' || todo);
    end if;
    if passed then
        return said;
    end if;
    if todo is null then
        perform _tap_set('failed', (num_failed() + 1)::text);
    end if;
    said := said || e'\n' || diag(format('Failed%s test %s', case when todo is null then '' else ' (TODO)' end, number) || quoted);
    return said || case when $1 is null then e'\n' || diag('    (test result was NULL)') else '' end;
end
$$;
create function ok(boolean) returns text language sql as $$ select ok($1, null) $$;
create function pass(text) returns text language sql as $$ select ok(true, $1) $$;
create function pass() returns text language sql as $$ select ok(true, null) $$;
create function fail(text) returns text language sql as $$ select ok(false, $1) $$;
create function fail() returns text language sql as $$ select ok(false, null) $$;

-- The result of a test, and what there is to say when it did not hold.
create function _tap_judge(passed boolean, description text, complaint text) returns text language sql as
$$ select ok(passed, description) || case when passed then '' else coalesce(e'\n' || diag(complaint), '') end $$;

create function todo_start(text) returns setof boolean language plpgsql as $$
begin
    perform _tap_set('todo', (coalesce(_tap_get('todo'), '[]')::jsonb || jsonb_build_object('why', coalesce($1, ''), 'left', -1))::text);
end
$$;
create function todo_start() returns setof boolean language sql as $$ select todo_start('') $$;

create function todo_end() returns setof boolean language plpgsql as $$
begin
    if not in_todo() then
        raise exception 'todo_end() called without todo_start()';
    end if;
    perform _tap_set('todo', (_tap_get('todo')::jsonb - -1)::text);
end
$$;

create function in_todo() returns boolean language sql as
$$ select jsonb_array_length(coalesce(_tap_get('todo'), '[]')::jsonb) > 0 $$;

create function todo(why text, how_many integer) returns setof boolean language plpgsql as $$
begin
    perform _tap_set(
        'todo', (coalesce(_tap_get('todo'), '[]')::jsonb || jsonb_build_object('why', coalesce(why, ''), 'left', coalesce(how_many, 1)))::text
    );
end
$$;
create function todo(how_many integer, why text) returns setof boolean language sql as $$ select todo(why, how_many) $$;
create function todo(why text) returns setof boolean language sql as $$ select todo(why, 1) $$;
create function todo(how_many integer) returns setof boolean language sql as $$ select todo('', how_many) $$;

create function skip(why text, how_many integer) returns text language sql as $$
    select string_agg(ok(true) || ' ' || diag('SKIP' || coalesce(' ' || why, '')), e'\n')
    from generate_series(1, how_many)
$$;
create function skip(integer, text) returns text language sql as $$ select skip($2, $1) $$;
create function skip(text) returns text language sql as $$ select skip($1, 1) $$;
create function skip(integer) returns text language sql as $$ select skip(null, $1) $$;

create function collect_tap(variadic text[]) returns text language sql as $$ select array_to_string($1, e'\n') $$;
create function collect_tap(character varying[]) returns text language sql as $$ select array_to_string($1, e'\n') $$;

create function "is"(anyelement, anyelement, text) returns text language sql as $$
    select _tap_judge(
        $1 is not distinct from $2, $3,
        format(e'        have: %s\n        want: %s', coalesce($1::text, 'NULL'), coalesce($2::text, 'NULL'))
    )
$$;
create function "is"(anyelement, anyelement) returns text language sql as $$ select "is"($1, $2, null) $$;

create function isnt(anyelement, anyelement, text) returns text language sql as $$
    select _tap_judge(
        $1 is distinct from $2, $3,
        format(e'        have: %s\n        want: anything else', coalesce($1::text, 'NULL'))
    )
$$;
create function isnt(anyelement, anyelement) returns text language sql as $$ select isnt($1, $2, null) $$;

do $make$
declare
    each record;
begin
    for each in
        select * from (
            values
            ('matches', '~', 'doesn''t match'), ('imatches', '~*', 'doesn''t match'),
            ('alike', '~~', 'doesn''t match'), ('ialike', '~~*', 'doesn''t match'),
            ('doesnt_match', '!~', 'matches'), ('doesnt_imatch', '!~*', 'matches'),
            ('unalike', '!~~', 'matches'), ('unialike', '!~~*', 'matches')
        ) as t (name, operator, said)
    loop
        execute format(
            $f$
            create function %1$I(anyelement, text, text) returns text language sql as $$
                select _tap_judge(
                    $1::text %2$s $2, $3,
                    format('%%s%%L' || chr(10) || %3$L || ': %%L', repeat(' ', length(%3$L) + 2), $1::text, $2)
                )
            $$;
            create function %1$I(anyelement, text) returns text language sql as $$ select %1$I($1, $2, null) $$;
            $f$,
            each.name, each.operator, '   ' || each.said
        );
    end loop;
end
$make$;

create function cmp_ok(anyelement, text, anyelement, text) returns text language plpgsql as $$
declare
    passed boolean;
begin
    execute format('select $1 %s $2', $2) into passed using $1, $3;
    return _tap_judge(
        passed, $4,
        format(e'    %s\n        %s\n    %s', coalesce(quote_literal($1), 'NULL'), $2, coalesce(quote_literal($3), 'NULL'))
    );
end
$$;
create function cmp_ok(anyelement, text, anyelement) returns text language sql as $$ select cmp_ok($1, $2, $3, null) $$;

create function isa_ok(anyelement, regtype, text) returns text language sql as $$
    select _tap_judge(
        pg_typeof($1) = $2, $3 || ' isa ' || $2,
        format('    %s isn''t a "%s" it''s a "%s"', $3, $2, pg_typeof($1))
    )
$$;
create function isa_ok(anyelement, regtype) returns text language sql as $$ select isa_ok($1, $2, 'the value') $$;

create function pg_version() returns text language sql immutable as $$ select current_setting('server_version') $$;
create function pg_version_num() returns integer language sql immutable as
$$ select current_setting('server_version_num')::integer $$;
create function pgtap_version() returns numeric language sql immutable as $$ select 1.3 $$;

-- Tests a test by what it said, and takes back that it ran.
create function check_test(text, boolean, text, text, text, boolean) returns setof text language plpgsql as $$
declare
    said constant text[] := regexp_match($1, '^(not )?ok ([0-9]+)(?: - ([^\n]*))?');
    passed constant boolean := said[1] is null;
    tested constant text := coalesce(nullif($3, '') || ' ', 'Test ') || 'should ';
    complaint constant text := coalesce((
        select string_agg(substr(line, 3), e'\n' order by number)
        from regexp_split_to_table($1, '\n') with ordinality as t (line, number)
        where number > 1 and line !~ '^# Failed'
    ), '');
begin
    perform setval('pg_temp._tap_number', greatest(said[2]::bigint - 1, 1), said[2] <> '1');
    if not passed then
        perform _tap_set('failed', greatest(num_failed() - 1, 0)::text);
    end if;
    return next "is"(passed, $2, tested || case when $2 then 'pass' else 'fail' end);
    if $4 is not null then
        return next "is"(coalesce(said[3], ''), $4, tested || 'have the proper description');
    end if;
    if $5 is not null then
        return next case
            when $6 then matches(complaint, $5, tested || 'have the proper diagnostics')
            else "is"(complaint, $5, tested || 'have the proper diagnostics')
        end;
    end if;
end
$$;
create function check_test(text, boolean, text, text, text) returns setof text language sql as
$$ select check_test($1, $2, $3, $4, $5, false) $$;
create function check_test(text, boolean, text, text) returns setof text language sql as
$$ select check_test($1, $2, $3, $4, null, false) $$;
create function check_test(text, boolean, text) returns setof text language sql as
$$ select check_test($1, $2, $3, null, null, false) $$;
create function check_test(text, boolean) returns setof text language sql as
$$ select check_test($1, $2, null, null, null, false) $$;
