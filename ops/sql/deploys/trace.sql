-- Adds to the baseline of a deploy how many rows the gate itself has left in which tables since then.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
update runbooks.deploys d
set baseline = d.baseline || jsonb_build_object('traces', coalesce(d.baseline -> 'traces', '{}'::jsonb) || (
    select jsonb_object_agg(t.key, t.value::bigint + coalesce((d.baseline -> 'traces' ->> t.key)::bigint, 0))
    from jsonb_each_text(%(traces)s::jsonb) t))
where d.environment = %(environment)s and d.deploy = %(deploy)s and d.baseline is not null
returning 1
