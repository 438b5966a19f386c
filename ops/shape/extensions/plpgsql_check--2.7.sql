-- No function is checked, and a test that asks must not pass for that reason: each call is an error.

create function plpgsql_check_refuse() returns void language plpgsql as $$
begin
    raise exception using errcode = 'feature_not_supported',
        message = 'plpgsql_check only stands in for the real one here and cannot check a function';
end
$$;
do $signatures$
declare
    subject text;
    form record;
begin
    foreach subject in array array['funcoid regprocedure', 'name text'] loop
        for form in select * from (values
            ('plpgsql_check_function', 'text'), ('plpgsql_check_function_tb', 'record')
        ) as forms (name, result) loop
            execute format($create$
                create function %I(
                    %s, relid regclass default 0, format text default 'text', fatal_errors boolean default true,
                    other_warnings boolean default true, performance_warnings boolean default false,
                    extra_warnings boolean default true, security_warnings boolean default false
                ) returns setof %s language plpgsql as $body$
                begin
                    perform %I.plpgsql_check_refuse();
                end
                $body$
            $create$, form.name, subject, form.result, '@extschema@');
        end loop;
    end loop;
end
$signatures$;
