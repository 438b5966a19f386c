-- Keeps what a later pass of this promotion needs; `applied` says that everything of the plan is in place.
-- Locks: ROW EXCLUSIVE. Lowest version: 15.
update runbooks.promotions p
set kept = p.kept || %(kept)s::jsonb,
    applied_at = case when %(applied)s then coalesce(p.applied_at, clock_timestamp()) else p.applied_at end
where p.id = %(id)s and p.ended_at is null
returning p.applied_at
