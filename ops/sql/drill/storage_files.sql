-- Which files does Storage list, how large are they, and what is the tag of each?
-- Locks: ACCESS SHARE on storage.objects. Lowest version: 15.
select o.bucket_id, o.name, (o.metadata ->> 'size')::bigint, o.metadata ->> 'eTag'
from storage.objects o
order by o.bucket_id, o.name
