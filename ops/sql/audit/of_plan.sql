-- What does the audit log say of a plan at a gate, in whichever run?
-- Locks: ACCESS SHARE on runbooks.audit_log. Lowest version: 15.
select a.id, a.at, a.event, a.environment, a.run, a.gate, a.plan_digest, a.actor, a.proof, a.note, a.details,
       a.previous, a.hash
from runbooks.audit_log a
where a.gate = %(gate)s and a.plan_digest = %(plan_digest)s
order by a.id
