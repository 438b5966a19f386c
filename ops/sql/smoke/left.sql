-- Which rows has a smoke announced, and not taken back?
-- Locks: ACCESS SHARE. Lowest version: 15.
select s.id, s.relation, s.key from runbooks.smoke_rows s order by s.at
