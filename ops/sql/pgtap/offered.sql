-- Whether this server offers pgTAP, whether what it offers only stands in for it, and where Supabase would put it.
-- ACCESS SHARE on catalogs only; PostgreSQL 15.
select
    (select starts_with(comment, 'stands in for') from pg_available_extensions where name = 'pgtap') as stands_in,
    to_regnamespace('extensions') is not null as has_schema
