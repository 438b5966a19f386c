-- Adds a row to the audit log.
-- Locks: ROW EXCLUSIVE on runbooks.audit_log. Lowest version: 15.
insert into runbooks.audit_log
    (id, at, event, environment, run, gate, plan_digest, actor, proof, note, details, previous, hash)
values
    (%(id)s, %(at)s, %(event)s, %(environment)s, %(run)s, %(gate)s, %(plan_digest)s, %(actor)s, %(proof)s, %(note)s,
     %(details)s::jsonb, %(previous)s, %(hash)s)
