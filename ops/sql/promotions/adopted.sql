-- Which migrations of other hands were taken as they are by a plan that somebody approved?
-- Locks: ACCESS SHARE. Lowest version: 15.
select distinct a.version
from runbooks.promotions p
cross join lateral jsonb_array_elements_text(p.plan -> 'adopted') as a (version)
order by 1
