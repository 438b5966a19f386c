-- Ends a soak that is under way without a pass, since another begins in its place.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
update runbooks.soak s
set verdict = 'failed', said = %(said)s, ended_at = clock_timestamp()
where s.id = %(id)s and s.verdict = 'soaking'
returning 1
