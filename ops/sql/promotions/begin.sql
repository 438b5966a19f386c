-- Freezes an approved plan as the one that is under way in this environment.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
insert into runbooks.promotions (environment, plan_digest, run, plan, before, expected, kept)
values (%(environment)s, %(plan_digest)s, %(run)s, %(plan)s, %(before)s, %(expected)s, %(kept)s)
returning id, began_at
