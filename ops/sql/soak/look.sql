-- Adds a look to a soak that is under way, and ends it where there is a verdict; an older look than the last adds nothing.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
update runbooks.soak s
set looks = s.looks || jsonb_build_array(%(look)s::jsonb),
    last_at = %(at)s,
    verdict = %(verdict)s,
    said = %(said)s,
    ended_at = case when %(verdict)s::text = 'soaking' then null else %(at)s::timestamptz end
where s.id = %(id)s and s.verdict = 'soaking' and s.last_at < %(at)s::timestamptz
returning 1
