-- Moves a watermark from where a run has found it; no row where another run has moved it meanwhile.
-- Locks: ROW EXCLUSIVE on runbooks.eval_watermarks. Lowest version: 15.
insert into runbooks.eval_watermarks as w (
    environment, run_type, schema_variant, created, key, tail, content_digest, run
)
select %(environment)s::text, %(run_type)s::text, %(schema_variant)s::text, %(created)s::timestamptz, %(key)s::text,
       %(tail)s::text[], %(content_digest)s::text, %(run)s::text
where %(before_created)s::timestamptz is null
   or exists (
       select from runbooks.eval_watermarks there
       where there.environment = %(environment)s
         and there.run_type = %(run_type)s
         and there.schema_variant = %(schema_variant)s
   )
on conflict (environment, run_type, schema_variant) do update
set created = excluded.created,
    key = excluded.key,
    tail = excluded.tail,
    content_digest = excluded.content_digest,
    run = excluded.run,
    moved_at = clock_timestamp()
where (w.created = %(before_created)s::timestamptz and w.key = %(before_key)s::text)
   or (w.created = excluded.created and w.key = excluded.key and w.content_digest = excluded.content_digest)
returning 1
