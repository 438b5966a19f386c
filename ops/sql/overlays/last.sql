-- What was last done as a whole with each overlay of the journal?
-- Locks: ACCESS SHARE. Lowest version: 15.
select distinct on (j.version) substr(j.version, 9) as file, j.action, j.sha256, j.at, j.run,
       coalesce(j.details ->> 'environment', '') as environment
from runbooks.journal j
where starts_with(j.version, 'overlay ') and j.action in ('apply', 'rollback')
order by j.version, j.id desc
