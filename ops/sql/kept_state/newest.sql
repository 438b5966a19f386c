-- What is the newest state that was kept of this subject and not put back?
-- Locks: ACCESS SHARE. Lowest version: 15.
select k.id, k.kind, k.environment, k.subject, k.run, k.plan_digest, k.at, k.items,
       k.put_back_at, k.put_back_by, k.put_back_digest
from runbooks.kept_states k
where k.kind = %(kind)s and k.environment = %(environment)s and k.subject = %(subject)s and k.put_back_at is null
order by k.id desc
limit 1
