-- Which answers has the audit log, by the question that each was given to?
-- Locks: ACCESS SHARE on runbooks.audit_log. Lowest version: 15.
select l.environment, l.run, l.gate, l.plan_digest, l.details ->> 'answer' from runbooks.audit_log l
where l.details ? 'step'
