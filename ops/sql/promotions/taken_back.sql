-- Which of these files has a plan applied since it was begun that are not in place any more, and who took them back?
-- Locks: ACCESS SHARE. Lowest version: 15.
select distinct on (j.version)
       j.version,
       case when j.action = 'rollback' then j.run end as run
from runbooks.journal j
where j.version = any (%(versions)s) and j.action in ('apply', 'rollback') and j.at >= %(since)s
order by j.version, j.id desc
