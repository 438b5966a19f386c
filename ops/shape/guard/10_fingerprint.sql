-- What a table of the platform looks like, in one word, but for what a project may add to it.
-- For each throw-away database once, after the shape; PostgreSQL 15 and newer.

create function supabase_functions.platform_fingerprint(relation oid) returns text language sql stable set search_path = pg_catalog
as $$
    select md5(concat_ws(' ',
        (select (relname, relnamespace, relowner, relkind, relrowsecurity, relforcerowsecurity, relreplident,
            reloptions)::text
            from pg_class where oid = relation),
        (select string_agg((attname, atttypid, atttypmod, attnotnull, atthasdef, attisdropped, attoptions)::text, ' '
            order by attnum) from pg_attribute where attrelid = relation and attnum > 0),
        (select string_agg((adnum, pg_get_expr(adbin, adrelid))::text, ' ' order by adnum)
            from pg_attrdef where adrelid = relation),
        (select string_agg(conname || pg_get_constraintdef(oid), ' ' order by conname)
            from pg_constraint where conrelid = relation),
        (select string_agg((tgname, tgenabled)::text, ' ' order by tgname)
            from pg_trigger where tgrelid = relation and not tgisinternal and oid < %(first_own)s)
    ))
$$;
