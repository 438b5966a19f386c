-- What did this run last record as whole for this version?
-- Locks: ACCESS SHARE. Lowest version: 15.
select j.action, j.file
from runbooks.journal j
where j.version = %(version)s and j.run = %(run)s and j.action in ('apply', 'rollback')
order by j.id desc
limit 1
