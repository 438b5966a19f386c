-- Which files has an interrupted run begun and not ended, unit by unit?
-- Locks: AccessShare on runbooks.journal. Lowest version: 15.
select distinct j.file, j.sha256
from runbooks.journal as j
where
    j.action in ('begin-unit', 'unit')
    and not exists (
        select from runbooks.journal as e
        where e.version = j.version and e.action in ('apply', 'rollback') and e.id > j.id
    )
