-- When did the drills of an environment that passed end, by the log in the operated database?
-- Locks: ACCESS SHARE on runbooks.drills. Lowest version: 15.
select d.entry ->> 'ended' from runbooks.drills d
where d.environment = %(environment)s and d.entry ->> 'verdict' = 'passed'
