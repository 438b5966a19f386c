-- When was this subject erased last, by which run and plan, and how many rows were touched?
-- Locks: ACCESS SHARE on runbooks.erasures. Lowest version: 15.
select e.run, e.plan_digest, e.counts, e.at
from runbooks.erasures e
where e.subject = %(subject)s and e.environment = %(environment)s
order by e.run = %(run)s desc, e.id desc
limit 1
