-- Is there a table of watermarks?
-- Locks: none. Lowest version: 15.
select to_regclass('runbooks.eval_watermarks') is not null
