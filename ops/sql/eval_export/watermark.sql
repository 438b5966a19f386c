-- Up to which record has this kind of run read? The time is written in one way, whatever the login's style of dates.
-- Locks: ACCESS SHARE on runbooks.eval_watermarks. Lowest version: 15.
select to_char(w.created at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), w.key, w.tail, w.content_digest, w.run
from runbooks.eval_watermarks w
where w.environment = %(environment)s and w.run_type = %(run_type)s and w.schema_variant = %(schema_variant)s
