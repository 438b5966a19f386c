-- Records that a row that a smoke announced is gone.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
delete from runbooks.smoke_rows where id = %(id)s
