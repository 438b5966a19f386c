-- Phase 1: product descriptions that a model wrote, kept to learn from.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

create table public.ai_training_examples (
    id bigint generated always as identity primary key,
    product_id bigint references public.products (id) on delete set null,
    prompt text not null,
    output jsonb not null,
    accepted boolean,
    created_at timestamptz not null default now()
);
create index ai_training_examples_product_id_idx on public.ai_training_examples (product_id);
create index ai_training_examples_created_at_idx on public.ai_training_examples (created_at);

alter table public.ai_training_examples enable row level security;

create policy "operators read training examples" on public.ai_training_examples
for select to authenticated using ((select internal.is_operator()));

create policy "operators judge training examples" on public.ai_training_examples
for update to authenticated
using ((select internal.is_operator()))
with check ((select internal.is_operator()));

insert into public.ai_training_examples (prompt, output, accepted, created_at)
select
    'Describe a coffee from lot ' || lot,
    jsonb_build_object('title', 'Lot ' || lot, 'body', 'A clean cup with notes of cocoa.'),
    lot % 3 <> 0,
    timestamptz '2026-02-01 08:00+00' + lot * interval '1 hour'
from generate_series(1, 12) as lot;
