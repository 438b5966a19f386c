-- When was a plan given up that was let through a gate, and why?
-- Locks: ACCESS SHARE on runbooks.audit_log. Lowest version: 15.
select a.id, a.at, a.note
from runbooks.audit_log a
where a.event = 'ended' and a.gate = %(gate)s and a.plan_digest = %(plan_digest)s and a.details ? 'given_up'
order by a.id desc
limit 1
