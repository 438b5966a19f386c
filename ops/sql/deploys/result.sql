-- Records what one phase of a deploy found.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
update runbooks.deploys d
set pre = case when %(phase)s::text = 'pre' then %(result)s::jsonb else d.pre end,
    post = case when %(phase)s::text = 'post' then %(result)s::jsonb else d.post end
where d.environment = %(environment)s and d.deploy = %(deploy)s
returning 1
