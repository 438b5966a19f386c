-- Writes down what becomes of one upload, and which version of the object was there then.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
update runbooks.storage_uploads
set state = %(state)s, said = %(said)s, run = %(run)s, version = %(version)s,
    done_at = case when %(state)s in ('uploaded', 'already-there', 'skipped') then clock_timestamp() end
where environment = %(environment)s and plan_digest = %(plan_digest)s and bucket = %(bucket)s and name = %(name)s
