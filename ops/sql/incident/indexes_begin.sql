-- Writes down that what was approved is begun, as a whole: whoever comes after a kill finds all of it.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
update runbooks.incident_indexes
set state = %(state)s, run = %(run)s
where environment = %(environment)s and plan_digest = %(plan_digest)s and run_id = %(run_id)s
  and state = any(%(before)s::text[])
