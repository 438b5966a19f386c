-- Records one unit of a file that cannot be one transaction: begun, or done.
-- Locks: ROW EXCLUSIVE on the journal. Lowest version: 15.
insert into runbooks.journal (version, file, action, unit, sha256, run, details)
values (%(version)s, %(file)s, %(action)s, %(unit)s, %(sha256)s, %(run)s, %(details)s)
