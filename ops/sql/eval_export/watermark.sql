-- Up to which record has this kind of run read?
-- Locks: ACCESS SHARE on runbooks.eval_watermarks. Lowest version: 15.
select w.created, w.key, w.tail, w.content_digest, w.run
from runbooks.eval_watermarks w
where w.environment = %(environment)s and w.run_type = %(run_type)s and w.schema_variant = %(schema_variant)s
