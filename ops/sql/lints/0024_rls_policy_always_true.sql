-- Which policies let API roles write whatever they like: a predicate that is true for every row, or none at all.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'rls_policy_always_true' as lint,
    p.schema,
    p.name,
    'table' as type,
    p.policy as part,
    pg_catalog.format('rls_policy_always_true_%%s_%%s_%%s', p.schema, p.name, p.policy) as cache_key,
    pg_catalog.jsonb_build_object(
        'policy_name', p.policy,
        'command', case p.command when 'a' then 'INSERT' when 'w' then 'UPDATE' when 'd' then 'DELETE' else 'ALL' end,
        'roles', array(
            select case r.oid when 0 then 'PUBLIC' else r.oid::pg_catalog.regrole::text end
            from pg_catalog.unnest(p.roles) as r (oid)
        ),
        'qual', p.readable,
        'with_check', p.writable,
        'permissive_using', judged.open_using,
        'permissive_with_check', judged.open_check
    ) as facts
from policies as p
cross join lateral (
    select
        coalesce(p.readable ~ '^\(*(true|(\d+|''[^'']*''(::\w+)?)\s*=\s*\2)\)*$', false) as reads_all,
        coalesce(p.writable ~ '^\(*(true|(\d+|''[^'']*''(::\w+)?)\s*=\s*\2)\)*$', false) as writes_all
) as folded
cross join lateral (
    select
        p.command <> 'a' and (folded.reads_all or p.readable is null) as open_using,
        -- Without WITH CHECK, what USING says holds for what is written too.
        folded.writes_all
        or (p.writable is null and (p.command = 'a' or (p.command in ('w', '*') and folded.reads_all))) as open_check
) as judged
where
    p.permissive
    and p.guarded
    and p.for_api
    -- What everybody may read is often meant so.
    and p.command <> 'r'
    and p.kind in ('r', 'p')
    and not p.of_platform
    and (judged.open_using or judged.open_check)
