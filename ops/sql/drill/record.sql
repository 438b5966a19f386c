-- Adds a drill to the log, unless it is there.
-- Locks: ROW EXCLUSIVE on runbooks.drills. Lowest version: 15.
insert into runbooks.drills (run, environment, entry)
values (%(run)s, %(environment)s, %(entry)s::jsonb)
on conflict (run) do nothing
