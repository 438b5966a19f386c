-- Gives the API's roles no access to data in objects that are still to come, as `auto_expose_new_tables = false` does.
-- Locks: none that anybody waits for. Lowest version: 15.
do $close$
declare
    privileges text;
begin
    foreach privileges in array array[
        'select, insert, update, delete on tables', 'execute on functions', 'usage, select, update on sequences'
    ] loop
        execute format(
            'alter default privileges for role postgres in schema public revoke %s'
            ' from anon, authenticated, service_role', privileges
        );
    end loop;
end
$close$
