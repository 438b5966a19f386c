-- Writes down what became of one index; where it is removed, it is so for every plan that has built it.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
update runbooks.incident_indexes
set state = %(state)s, said = %(said)s, run = %(run)s, done_at = clock_timestamp()
where environment = %(environment)s and name = %(name)s
  and ((plan_digest = %(plan_digest)s and run_id = %(run_id)s) or (%(state)s = 'removed' and state = 'built'))
