-- Which public buckets anybody may list, since a policy lets API roles read every row of storage.objects that is of them.
-- Locks: ACCESS SHARE on catalogs and storage.buckets. Lowest version: 15.
select
    'public_bucket_allows_listing' as lint,
    'storage' as schema,
    b.name,
    'bucket' as type,
    b.id as part,
    pg_catalog.format('public_bucket_allows_listing_%%s', b.id) as cache_key,
    pg_catalog.jsonb_build_object(
        'bucket_id', b.id,
        'bucket_name', b.name,
        'policy_names', pg_catalog.jsonb_agg(p.policy order by p.policy),
        'policy_count', pg_catalog.count(*)
    ) as facts
from storage.buckets as b
join policies as p on p.schema = 'storage' and p.name = 'objects'
where
    b.public
    and p.permissive
    and p.for_api
    and p.command in ('r', '*')
    and (
        p.readable is null
        or p.readable ~ '^\(*(true|(\d+|''[^'']*''(::\w+)?)\s*=\s*\2)\)*$'
        or pg_catalog.regexp_replace(pg_catalog.btrim(p.readable, '() '), '::[a-z ]+$', '')
        = 'bucket_id = ''' || pg_catalog.replace(b.id, '''', '''''') || ''''
    )
group by b.id, b.name
