-- Which row is the last of the audit log, if there is one?
-- Locks: ACCESS SHARE on runbooks.audit_log. Lowest version: 15.
select case when pg_catalog.to_regclass('runbooks.audit_log') is not null then
    (xpath('/row/id/text()', pg_catalog.query_to_xml('select max(id) as id from runbooks.audit_log', true, true, '')))[1]
        ::text::bigint
end
