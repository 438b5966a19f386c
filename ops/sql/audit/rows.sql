-- What does the audit log say from this row on?
-- Locks: ACCESS SHARE on runbooks.audit_log. Lowest version: 15.
select id, at, event, environment, run, gate, plan_digest, actor, proof, note, details, previous, hash
from runbooks.audit_log
where id >= %(first)s::bigint
order by id
