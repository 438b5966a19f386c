-- Packages are not fetched: those that we stand in for are there already, others are not.

create schema dbdev;
create function dbdev.install(package_name text) returns boolean language plpgsql as $$
begin
    raise notice 'supabase-dbdev stands in for the real one: % was not fetched', package_name;
    return true;
end
$$;
grant usage on schema dbdev to postgres with grant option;
