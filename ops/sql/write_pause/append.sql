-- Adds an event to the record of paused writes, once.
-- Locks: ROW EXCLUSIVE on runbooks.write_pauses. Lowest version: 15.
insert into runbooks.write_pauses (number, incident, event, environment, run, at, details)
values (%(number)s, %(incident)s, %(event)s, %(environment)s, %(run)s, %(at)s, %(details)s::jsonb)
on conflict (number) do nothing
returning number
