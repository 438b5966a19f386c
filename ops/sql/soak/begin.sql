-- Records a soak that begins with this look, unless another run has just begun one.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
insert into runbooks.soak (
    id, environment, project, migrations_digest, overlays_digest, applied, commit, began_at, last_at, ended_at, verdict,
    said, looks
)
values (
    %(id)s, %(environment)s, %(project)s, %(migrations_digest)s, %(overlays_digest)s, %(applied)s, %(commit)s,
    %(at)s, %(at)s, case when %(verdict)s::text <> 'soaking' then %(at)s::timestamptz end, %(verdict)s,
    %(said)s, jsonb_build_array(%(look)s::jsonb)
)
on conflict do nothing
returning 1
