-- What does the marker say, and of which database?
-- Locks: ACCESS SHARE. Lowest version: 15.
select environment, rehearse, system_identifier, database_oid
from runbooks.marker
