-- Records that an overlay is applied, or rolled back, in the caller's transaction: in our journal alone.
-- Locks: ROW EXCLUSIVE on the journal. Lowest version: 15.
insert into runbooks.journal (version, file, action, sha256, run, details)
values (%(version)s, %(file)s, %(action)s, %(sha256)s, %(run)s, %(details)s)
