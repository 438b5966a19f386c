-- Which soak of a project on an environment began last?
-- Locks: ACCESS SHARE. Lowest version: 15.
select s.id, s.environment, s.project, s.migrations_digest, s.overlays_digest, s.applied, s.commit, s.began_at,
       s.last_at, s.ended_at, s.verdict, s.said, s.looks
from runbooks.soak s
where s.environment = %(environment)s and s.project = %(project)s
order by s.began_at desc, s.verdict = 'soaking' desc
limit 1
