-- What does the audit log say of this run's question about this plan?
-- Locks: ACCESS SHARE on runbooks.audit_log. Lowest version: 15.
select id, at, event, environment, run, gate, plan_digest, actor, proof, note, details, previous, hash
from runbooks.audit_log
where run = %(run)s and gate = %(gate)s and plan_digest = %(plan_digest)s
order by id
