-- Ends a plan of uploads; one that has ended stays as it is.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
update runbooks.storage_uploads
set outcome = %(outcome)s, ended_at = clock_timestamp(), ended_by = %(run)s
where environment = %(environment)s and plan_digest = %(plan_digest)s and outcome is null
