-- Which one-time codes were used, by whom?
-- Locks: ACCESS SHARE on runbooks.audit_log. Lowest version: 15.
select actor, (details ->> 'step')::bigint from runbooks.audit_log where details ? 'step'
