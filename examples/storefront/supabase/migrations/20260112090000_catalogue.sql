-- What is for sale, and what it costs to send it.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

create schema internal;
grant usage on schema internal to authenticated, service_role;

create type public.product_status as enum ('draft', 'listed', 'retired');

create function internal.is_operator() returns boolean
language sql
stable
set search_path = ''
as $$
    select coalesce((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'operator', false)
$$;

create table public.categories (
    id bigint generated always as identity primary key,
    slug text not null unique check (slug ~ '^[a-z0-9-]+$'),
    title text not null
);

create table public.products (
    id bigint generated always as identity primary key,
    category_id bigint not null references public.categories (id),
    sku text not null unique,
    title text not null,
    status public.product_status not null default 'draft',
    price numeric(10, 2) not null check (price >= 0),
    stock bigint not null default 0 check (stock >= 0),
    created_at timestamptz not null default now()
);
create index products_category_id_idx on public.products (category_id);

create table public.shipping_rates (
    id bigint generated always as identity primary key,
    country text not null unique,
    price numeric(10, 2) not null check (price >= 0),
    days bigint not null default 3
);
comment on column public.shipping_rates.country is 'ISO 3166-1, two letters';

alter table public.categories enable row level security;
alter table public.products enable row level security;
alter table public.shipping_rates enable row level security;

create policy "everybody reads categories" on public.categories
for select to anon, authenticated using (true);

create policy "everybody reads what is listed" on public.products
for select to anon, authenticated using (status = 'listed');

create policy "operators manage products" on public.products
for all to authenticated
using ((select internal.is_operator()))
with check ((select internal.is_operator()));

create policy "everybody reads shipping rates" on public.shipping_rates
for select to anon, authenticated using (true);

insert into public.categories (slug, title) values
('coffee', 'Coffee'),
('tea', 'Tea'),
('brewing', 'Brewing gear'),
('gifts', 'Gifts');

-- Typed by hand from the carrier's price list, as the mixed case shows.
insert into public.shipping_rates (country, price, days) values
('de', 4.90, 2),
('AT', 7.90, 3),
('ch', 12.50, 4),
('Fr', 9.90, 3),
('nl', 8.90, 3),
('GB', 14.20, 5);
