-- Ends a promotion that is under way.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
update runbooks.promotions p
set ended_at = clock_timestamp(), outcome = %(outcome)s
where p.id = %(id)s and p.ended_at is null
returning p.id
