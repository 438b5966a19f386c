-- Which plan is begun in this environment and not ended?
-- Locks: ACCESS SHARE. Lowest version: 15.
select p.id, p.plan_digest, p.run, p.began_at, p.applied_at, p.plan, p.before, p.expected, p.kept
from runbooks.promotions p
where p.environment = %(environment)s and p.ended_at is null
