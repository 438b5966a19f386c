-- What was done last to each migration, by the journal: applied or rolled back as a whole, and when?
-- Locks: ACCESS SHARE on runbooks.journal. Lowest version: 15.
select distinct on (j.version) j.version, j.action, j.at from runbooks.journal j
where j.action in ('apply', 'rollback')
order by j.version, j.id desc
