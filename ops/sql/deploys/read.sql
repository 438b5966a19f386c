-- What is recorded of a deploy?
-- Locks: ACCESS SHARE. Lowest version: 15.
select d.environment, d.deploy, d.project, d.commit, d.began_at, d.deployed_at, d.restarted_at, d.baseline, d.pre,
       d.post, d.rolled_back_at, d.rollback
from runbooks.deploys d
where d.environment = %(environment)s and d.deploy = %(deploy)s
