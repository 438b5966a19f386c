-- How many objects of which buckets of Storage does somebody own?
-- Locks: ACCESS SHARE on storage.objects. Lowest version: 15.
select o.bucket_id::text, pg_catalog.count(*)
from storage.objects o
where pg_catalog.to_jsonb(o) ->> 'owner_id' = %(owner)s or pg_catalog.to_jsonb(o) ->> 'owner' = %(owner)s
group by o.bucket_id
order by o.bucket_id
