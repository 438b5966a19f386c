-- Announces a row that a smoke is about to write, so that the next one finds it when this one is killed.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
insert into runbooks.smoke_rows (id, relation, key) values (%(id)s, %(relation)s, %(key)s)
