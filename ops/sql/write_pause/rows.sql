-- What does the record of paused writes say?
-- Locks: ACCESS SHARE on runbooks.write_pauses. Lowest version: 15.
select w.number, w.incident, w.event, w.environment, w.run, w.at, w.details
from runbooks.write_pauses w
order by w.number
