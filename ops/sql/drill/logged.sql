-- Which runs has the log of drills?
-- Locks: ACCESS SHARE on runbooks.drills. Lowest version: 15.
select d.run from runbooks.drills d where d.environment = %(environment)s
