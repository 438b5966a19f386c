-- Which row is the last of the audit log, and what time is it here?
-- Locks: ACCESS SHARE on runbooks.audit_log. Lowest version: 15.
select l.id, l.hash, pg_catalog.clock_timestamp()
from (select) one
left join lateral (select a.id, a.hash from runbooks.audit_log a order by a.id desc limit 1) l on true
