-- Is there a record of promotions, and a journal, that this login may read?
-- Locks: none. Lowest version: 15.
select
    pg_catalog.to_regclass('runbooks.promotions') is not null
        and pg_catalog.to_regclass('runbooks.journal') is not null as recorded
