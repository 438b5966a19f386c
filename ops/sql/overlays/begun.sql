-- Of which overlays has an interrupted run begun a file and not ended it, unit by unit?
-- Locks: ACCESS SHARE. Lowest version: 15.
select distinct substr(j.version, 9) as overlay, j.file, j.sha256
from runbooks.journal j
where starts_with(j.version, 'overlay ')
  and j.action in ('begin-unit', 'unit')
  and not exists (
      select from runbooks.journal e
      where e.version = j.version and e.action in ('apply', 'rollback') and e.id > j.id)
