-- Which indexes has the newest plan built, or begun to build or to remove, that are not removed?
-- Locks: ACCESS SHARE. Lowest version: 15.
select u.plan_digest, u.run_id, u.item, u.reason, u.state, u.said
from runbooks.incident_indexes u
where u.environment = %(environment)s
  and u.state in ('begun', 'built', 'removing')
  and (u.plan_digest, u.run_id) = (
      select o.plan_digest, o.run_id
      from runbooks.incident_indexes o
      where o.environment = %(environment)s and o.state in ('begun', 'built', 'removing')
      order by o.state = 'removing' desc, o.planned_at desc, o.id desc
      limit 1
  )
order by u.id desc
