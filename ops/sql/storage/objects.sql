-- Which objects does Storage list, with all that an upload would have to bring again?
-- Locks: ACCESS SHARE on storage.objects. Lowest version: 15.
select
    o.id::text as id,
    o.bucket_id as bucket,
    o.name,
    o.version,
    (o.metadata ->> 'size')::bigint as size,
    o.metadata ->> 'eTag' as tag,
    o.metadata ->> 'mimetype' as mimetype,
    o.metadata ->> 'cacheControl' as cache_control,
    o.metadata ->> 'lastModified' as modified,
    o.user_metadata,
    o.owner_id as owner,
    o.created_at as created,
    coalesce(b.public, false) as public
from storage.objects o
join storage.buckets b on b.id = o.bucket_id
where o.name is not null and (%(bucket)s::text is null or (o.bucket_id = %(bucket)s and o.name = %(name)s))
order by o.bucket_id, o.name
