-- Does the log say that a plan came to its end since then: given up, or promoted where something of it is `missing`?
-- Locks: ACCESS SHARE on runbooks.audit_log. Lowest version: 15.
select a.id, a.note
from runbooks.audit_log a
where a.event = 'ended' and a.gate = 'promote' and a.plan_digest = %(plan_digest)s and a.at >= %(since)s
  and (a.details ? 'given_up' or (%(missing)s and a.details -> 'ok' = 'true'))
order by a.id desc
limit 1
