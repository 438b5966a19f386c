-- Up to when does the record of each soak go?
-- Locks: ACCESS SHARE on runbooks.soak. Lowest version: 15.
select s.id, s.last_at from runbooks.soak s where s.environment = %(environment)s
