-- Records a deploy that is about to happen, its baseline and what was found; of one that has happened nothing is changed.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
insert into runbooks.deploys (environment, deploy, project, commit, baseline, pre)
values (%(environment)s, %(deploy)s, %(project)s, %(commit)s, %(baseline)s, %(result)s)
on conflict (environment, deploy) do update
set commit = excluded.commit, baseline = excluded.baseline, project = excluded.project, pre = excluded.pre
where deploys.deployed_at is null and deploys.rolled_back_at is null
returning 1
