-- Which buckets are there, is each public, and what does it take?
-- Locks: ACCESS SHARE on storage.buckets. Lowest version: 15.
select b.id, coalesce(b.public, false) as public, b.file_size_limit, b.allowed_mime_types
from storage.buckets b
order by b.id
