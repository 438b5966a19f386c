-- Of which environments has a plan an overlay, and from which bytes? Journals of before do not say.
-- Locks: ACCESS SHARE on runbooks.promotions. Lowest version: 15.
select distinct f.file ->> 'file' as file, f.file ->> 'sha256' as sha256, p.environment
from runbooks.promotions p, pg_catalog.jsonb_array_elements(p.plan -> 'files') as f (file)
where (f.file -> 'overlay')::boolean
