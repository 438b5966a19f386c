-- Which state has this run kept, or put back?
-- Locks: ACCESS SHARE. Lowest version: 15.
select k.id, k.kind, k.environment, k.subject, k.run, k.plan_digest, k.at, k.items,
       k.put_back_at, k.put_back_by, k.put_back_digest
from runbooks.kept_states k
where k.kind = %(kind)s and (k.run = %(run)s or k.put_back_by = %(run)s)
