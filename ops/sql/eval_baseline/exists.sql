-- Has anybody pinned a baseline in this database yet?
-- Locks: none. Lowest version: 15.
select pg_catalog.to_regclass('runbooks.eval_baselines') is not null
