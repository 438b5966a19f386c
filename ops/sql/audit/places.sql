-- Where did the database answer about which this run has asked, at each question?
-- Locks: ACCESS SHARE on runbooks.audit_log. Lowest version: 15.
select a.at, a.details -> 'place' as place
from runbooks.audit_log a
where a.run = %(run)s and a.gate = %(gate)s and a.event = 'asked' and a.details ? 'place'
