-- What are the first and the last heartbeat, and the longest time between two of the last hundred?
-- Locks: ACCESS SHARE on runbooks.heartbeat. Lowest version: 15.
select max(id) as id, max(at) as at, max(at - before) as longest,
       (select b.at from runbooks.heartbeat b order by b.id limit 1) as first
from (
    select id, at, lag(at) over (order by id) as before from (
        select id, at from runbooks.heartbeat order by id desc limit 100
    ) newest
) beats
