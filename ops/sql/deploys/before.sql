-- Records a deploy that is about to happen with its baseline; of one that has happened nothing is changed.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
insert into runbooks.deploys (environment, deploy, project, commit, baseline)
values (%(environment)s, %(deploy)s, %(project)s, %(commit)s, %(baseline)s)
on conflict (environment, deploy) do update
set commit = excluded.commit, baseline = excluded.baseline, project = excluded.project, pre = null
where deploys.deployed_at is null and deploys.rolled_back_at is null
returning 1
