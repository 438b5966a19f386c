-- How many bytes do the files of each bucket have, by a share of the table's pages?
-- Locks: ACCESS SHARE. Lowest version: 15.
select
    coalesce(o.bucket_id, '') as name,
    coalesce(sum((o.metadata ->> 'size')::numeric), 0)::bigint as bytes,
    count(*) as files
from storage.objects o tablesample system (%(percent)s) repeatable (1)
group by o.bucket_id
order by 2 desc
