-- Makes this database say which environment it is, and whether it may be rehearsed on.
-- Locks: ACCESS EXCLUSIVE on the marker. Lowest version: 15.
do $marker$
begin
    create schema if not exists runbooks;
    create table if not exists runbooks.marker (
        one boolean primary key default true check (one),
        environment text not null,
        rehearse boolean not null,
        system_identifier text not null,
        database_oid bigint not null,
        at timestamptz not null default now()
    );
end
$marker$
