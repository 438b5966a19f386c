-- Has this tool ever applied a migration here?
-- Locks: ACCESS SHARE. Lowest version: 15.
select exists (select from runbooks.journal j where j.action = 'apply') as journaled
