-- Which units of this very file are begun or done since the migration was last wholly applied or rolled back?
-- Locks: ACCESS SHARE. Lowest version: 15.
select j.action, j.unit, j.details
from runbooks.journal j
where j.version = %(version)s
  and j.file = %(file)s
  and j.sha256 = %(sha256)s
  and j.action in ('begin-unit', 'unit')
  and j.id > coalesce(
      (select max(e.id) from runbooks.journal e
       where e.version = %(version)s and e.action in ('apply', 'rollback')), 0)
order by j.id
