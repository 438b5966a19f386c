-- What was last done to each of these versions since then, and by which run?
-- Locks: ACCESS SHARE. Lowest version: 15.
select distinct on (j.version) j.version, j.action, j.run
from runbooks.journal j
where j.version = any (%(versions)s) and j.action in ('apply', 'rollback') and j.at >= %(since)s
order by j.version, j.id desc
