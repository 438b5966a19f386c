-- Records when and why the app was rolled back; a deploy that nobody recorded is recorded now.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
insert into runbooks.deploys (environment, deploy, project, rolled_back_at, rollback)
values (%(environment)s, %(deploy)s, %(project)s, coalesce(%(at)s::timestamptz, clock_timestamp()), %(rollback)s)
on conflict (environment, deploy) do update
set rolled_back_at = coalesce(%(at)s::timestamptz, deploys.rolled_back_at, excluded.rolled_back_at), rollback = excluded.rollback
returning 1
