-- Which run is the baseline of this run type and schema variant, and who pinned it, when and why?
-- Locks: ACCESS SHARE. Lowest version: 15.
select b.run_id, b.run_key, b.run_type, b.schema_variant, b.pinned_by as by, b.why, b.at
from runbooks.eval_baselines b
where b.run_type = %(run_type)s and b.schema_variant = %(schema_variant)s
order by b.id desc
limit 1
