-- Tries statements as roles, each in a transaction of its own inside this one, and keeps what the server said to each.
-- Locks: those of the statements, until the caller rolls back. Lowest version: 15.
do $try$
declare
    one record;
    said text;
    tried jsonb := '[]';
begin
    for one in
        select * from jsonb_to_recordset(current_setting('runbooks.tries')::jsonb) as t (role text, text text)
    loop
        begin
            execute format('set local role %I', one.role);
            execute one.text;
            said := '00000';
        exception when others then
            said := sqlstate;
        end;
        reset role;
        tried := tried || to_jsonb(said);
    end loop;
    perform set_config('runbooks.tried', tried::text, true);
end
$try$
