-- Is there a table of erased subjects?
-- Locks: none. Lowest version: 15.
select pg_catalog.to_regclass('runbooks.erasures') is not null
