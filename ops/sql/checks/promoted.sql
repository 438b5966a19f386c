-- What was promoted last in an environment, and was anything rolled back since?
-- Locks: ACCESS SHARE. Lowest version: 15.
select
    p.plan,
    p.before,
    p.expected,
    p.ended_at as ended,
    exists (
        select from runbooks.journal j
        where j.action = 'rollback' and j.at > p.ended_at) as rolled_back
from runbooks.promotions p
where p.environment = %(environment)s and p.outcome = 'promoted'
order by p.id desc
limit 1
