-- Keeps the state that was there before, in the transaction that changes it; one for each run.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
insert into runbooks.kept_states (kind, environment, subject, run, plan_digest, items)
values (%(kind)s, %(environment)s, %(subject)s, %(run)s, %(plan_digest)s, %(items)s)
returning id, at
