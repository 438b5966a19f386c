-- Writes down what became of one index.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
update runbooks.incident_indexes
set state = %(state)s, said = %(said)s, run = %(run)s, done_at = clock_timestamp()
where environment = %(environment)s and plan_digest = %(plan_digest)s and name = %(name)s
