-- Records that a deploy has happened, and when; the first time that was recorded stands unless one is given.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
update runbooks.deploys d
set commit = coalesce(%(commit)s, d.commit),
    deployed_at = coalesce(%(deployed_at)s::timestamptz, d.deployed_at, clock_timestamp()),
    restarted_at = coalesce(%(restarted_at)s::timestamptz, d.restarted_at)
where d.environment = %(environment)s and d.deploy = %(deploy)s and d.rolled_back_at is null
returning 1
