-- Whether this server offers pgTAP, whether what it offers only stands in for it, and where Supabase would put it.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    (select starts_with(comment, 'stands in for') from pg_available_extensions where name = 'pgtap') as stands_in,
    to_regnamespace('extensions') is not null as has_schema
