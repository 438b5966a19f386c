-- Which rows has a smoke announced (that of one writer, or any), and not taken back?
-- Locks: ACCESS SHARE. Lowest version: 15.
select s.id, s.relation, s.key from runbooks.smoke_rows s where starts_with(s.id, %(writer)s) order by s.at
