-- Gives a copy of a database what CREATE DATABASE leaves behind: its settings and its privileges. A superuser's.
-- Locks: ROW EXCLUSIVE on pg_db_role_setting and pg_database. Lowest version: 15.
with source as (
    select old.oid, old.datacl, new.oid as copy
    from pg_catalog.pg_database as old cross join pg_catalog.pg_database as new
    where old.datname = %(source)s and new.datname = %(name)s
),
privileges as (
    update pg_catalog.pg_database as copy
    set datacl = source.datacl from source
    where copy.oid = source.copy and copy.datacl is distinct from source.datacl
)
insert into pg_catalog.pg_db_role_setting (setdatabase, setrole, setconfig)
select source.copy, setting.setrole, setting.setconfig
from source join pg_catalog.pg_db_role_setting as setting on setting.setdatabase = source.oid
