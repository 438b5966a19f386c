-- Pins a run as the baseline of its run type and schema variant; the last row is the one that counts.
-- Locks: ROW EXCLUSIVE on runbooks.eval_baselines. Lowest version: 15.
insert into runbooks.eval_baselines (run_type, schema_variant, run_id, run_key, pinned_by, why)
values (%(run_type)s, %(schema_variant)s, %(run_id)s, %(run_key)s, %(by)s, %(why)s)
returning at
