-- Its settings are accepted and nothing is logged: it adds no object that a migration could use.
select 1;
