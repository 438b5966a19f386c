-- Is there an audit log, and does its trigger still refuse every change of a row, on replicas too?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select pg_catalog.to_regclass('runbooks.audit_log') is not null,
       exists (
           select from pg_catalog.pg_trigger t
           join pg_catalog.pg_proc p on p.oid = t.tgfoid
           where t.tgrelid = pg_catalog.to_regclass('runbooks.audit_log')
             and t.tgname = 'append_only' and t.tgenabled = 'A' and t.tgtype & 127 = 58
             and p.prosrc ~ 'raise exception using errcode = ''RB002''')
