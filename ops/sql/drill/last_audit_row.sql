-- Which row is the last of the audit log?
-- Locks: ACCESS SHARE on runbooks.audit_log. Lowest version: 15.
select max(l.id) from runbooks.audit_log l
