-- Keeps that a subject was erased, in the transaction that erases it.
-- Locks: ROW EXCLUSIVE on runbooks.erasures. Lowest version: 15.
insert into runbooks.erasures (environment, subject, run, plan_digest, counts)
values (%(environment)s, %(subject)s, %(run)s, %(plan_digest)s, %(counts)s)
