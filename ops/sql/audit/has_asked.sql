-- Has this run asked anything at this gate?
-- Locks: ACCESS SHARE on runbooks.audit_log. Lowest version: 15.
select exists (
    select from runbooks.audit_log a where a.run = %(run)s and a.gate = %(gate)s and a.event = 'asked')
