-- Does the audit log say already that this run has erased somebody?
-- Locks: ACCESS SHARE on runbooks.audit_log. Lowest version: 15.
select exists (select from runbooks.audit_log l where l.event = 'erased' and l.run = %(run)s)
