-- Which databases did rehearsals make here?
-- Locks: ACCESS SHARE on pg_database. Lowest version: 15.
select d.datname
from pg_catalog.pg_database d
where d.datname ~ '^runbooks_(rehearsal|checkpoint)_[0-9a-f]{12}$'
  and pg_catalog.pg_has_role(d.datdba, 'MEMBER')
order by 1
