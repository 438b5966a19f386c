-- Records, in the transaction that does it, that a kept state is put back; once.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
update runbooks.kept_states
set put_back_at = clock_timestamp(), put_back_by = %(run)s, put_back_digest = %(plan_digest)s
where id = %(id)s and put_back_at is null
returning id
