-- How many files does Storage list, and how large are they together?
-- Locks: ACCESS SHARE on storage.objects. Lowest version: 15.
select count(*), coalesce(sum((o.metadata ->> 'size')::bigint), 0)::bigint from storage.objects o
