-- Which questions of this environment has nobody answered in time, and nobody closed?
-- Locks: ACCESS SHARE on runbooks.audit_log. Lowest version: 15.
select a.run, a.gate, a.plan_digest, a.details ->> 'ask'
from runbooks.audit_log a
where a.event = 'asked'
  and a.environment = %(environment)s
  and (a.details ->> 'expires')::timestamptz < pg_catalog.clock_timestamp()
  and not exists (
      select from runbooks.audit_log l
      where l.run = a.run and l.gate = a.gate and l.plan_digest = a.plan_digest and l.id > a.id)
order by a.id
