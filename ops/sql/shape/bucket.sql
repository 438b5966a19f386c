-- Makes a storage bucket as the project's configuration describes it.
-- Locks: ROW EXCLUSIVE on storage.buckets. Lowest version: 15.
insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
values (%(name)s, %(name)s, %(public)s, %(limit)s, %(types)s)
on conflict (id) do update
set public = excluded.public, file_size_limit = excluded.file_size_limit,
    allowed_mime_types = excluded.allowed_mime_types
