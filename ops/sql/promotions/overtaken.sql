-- Was anything switched off here since a plan was begun that is not put back?
-- Locks: ACCESS SHARE. Lowest version: 15.
select k.kind, k.run
from runbooks.kept_states k
where k.environment = %(environment)s and k.kind = 'p0-rollback' and k.at >= %(since)s and k.put_back_at is null
order by k.id desc
limit 1
