-- Which indexes are of the plan that was begun and is not done, or else of the one that this run has brought to the gate?
-- Locks: ACCESS SHARE. Lowest version: 15.
select u.plan_digest, u.run_id, u.item, u.reason, u.state, u.said
from runbooks.incident_indexes u
where u.environment = %(environment)s
  and (u.plan_digest, u.run_id) = (
      select o.plan_digest, o.run_id
      from runbooks.incident_indexes o
      where o.environment = %(environment)s
        and (o.state in ('begun', 'removing') or (o.state = 'planned' and o.run_id = %(run_id)s))
      order by o.state = 'planned', o.id
      limit 1
  )
order by u.id
