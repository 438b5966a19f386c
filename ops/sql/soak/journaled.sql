-- Which row of the journal is the last? Whatever is applied or rolled back adds one.
-- Locks: ACCESS SHARE. Lowest version: 15.
select coalesce(max(j.id), 0) from runbooks.journal j
