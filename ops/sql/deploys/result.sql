-- Records what the phase after a deploy found; where it broke off, what an earlier one found in whole stands.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
update runbooks.deploys d
set post = %(result)s::jsonb
where d.environment = %(environment)s and d.deploy = %(deploy)s
  and (%(whole)s::boolean or d.post is null or d.post ->> 'error' is not null)
returning 1
