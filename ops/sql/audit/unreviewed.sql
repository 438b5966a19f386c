-- Which decisions that somebody took alone in this environment, in other runs than this one, has nobody else looked at?
-- Locks: ACCESS SHARE on runbooks.audit_log. Lowest version: 15.
select a.id, a.actor, a.gate
from runbooks.audit_log a
where a.event = 'break-glass'
  and a.environment = %(environment)s
  and a.proof = 'totp'
  and a.run not in ('', %(run)s)
  and not exists (
      select from runbooks.audit_log r
      where r.event = 'reviewed' and r.environment = a.environment and r.proof = 'totp'
        and r.details ->> 'of' = a.id::text)
order by a.id
