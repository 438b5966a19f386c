-- Who buys, and what they bought. A profile is made when somebody signs up.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

create type public.order_status as enum ('placed', 'paid', 'shipped', 'delivered', 'cancelled');

create table public.profiles (
    id uuid primary key references auth.users (id) on delete cascade,
    display_name text not null default '',
    created_at timestamptz not null default now()
);

create table public.orders (
    id bigint generated always as identity primary key,
    customer_id uuid not null references public.profiles (id),
    status public.order_status not null default 'placed',
    country text not null,
    note text not null default '',
    placed_at timestamptz not null default now()
);
create index orders_customer_id_idx on public.orders (customer_id);

create table public.order_items (
    order_id bigint not null references public.orders (id) on delete cascade,
    product_id bigint not null references public.products (id),
    quantity bigint not null check (quantity between 1 and 999),
    unit_price numeric(10, 2) not null check (unit_price >= 0),
    primary key (order_id, product_id)
);
create index order_items_product_id_idx on public.order_items (product_id);

alter table public.profiles enable row level security;
alter table public.orders enable row level security;
alter table public.order_items enable row level security;

create policy "customers read their profile" on public.profiles
for select to authenticated using (id = (select auth.uid()));

create policy "customers edit their profile" on public.profiles
for update to authenticated
using (id = (select auth.uid()))
with check (id = (select auth.uid()));

create policy "customers read their orders" on public.orders
for select to authenticated using (customer_id = (select auth.uid()));

create policy "customers place orders for themselves" on public.orders
for insert to authenticated
with check (customer_id = (select auth.uid()) and status = 'placed');

create policy "customers read the items of their orders" on public.order_items
for select to authenticated
using (
    exists (
        select from public.orders
        where orders.id = order_items.order_id and orders.customer_id = (select auth.uid())
    )
);

create function internal.make_profile() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    insert into public.profiles (id, display_name)
    values (new.id, coalesce(new.raw_user_meta_data ->> 'name', split_part(new.email, '@', 1)));
    return new;
end
$$;
revoke execute on function internal.make_profile() from public;

create trigger make_profile_on_sign_up
after insert on auth.users
for each row execute function internal.make_profile();
