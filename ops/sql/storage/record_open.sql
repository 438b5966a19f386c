-- What is the oldest plan of uploads that was approved here and has not ended, as a whole?
-- Locks: ACCESS SHARE. Lowest version: 15.
select u.plan_digest, u.item, u.reason, u.state, u.run, u.planned_at
from runbooks.storage_uploads u
where u.environment = %(environment)s
  and u.plan_digest = (
      select o.plan_digest
      from runbooks.storage_uploads o
      where o.environment = %(environment)s and o.outcome is null
      order by o.id
      limit 1
  )
order by u.id
