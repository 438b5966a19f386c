-- Every change of a product's stock is a movement; the trigger keeps the sum on the product.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

create type public.movement_reason as enum ('delivery', 'sale', 'return', 'correction');

create table public.stock_movements (
    id bigint generated always as identity primary key,
    product_id bigint not null references public.products (id) on delete cascade,
    quantity bigint not null check (quantity <> 0),
    reason public.movement_reason not null,
    moved_at timestamptz not null default now()
);
create index stock_movements_product_id_idx on public.stock_movements (product_id, moved_at);

alter table public.stock_movements enable row level security;

create policy "operators manage stock" on public.stock_movements
for all to authenticated
using ((select internal.is_operator()))
with check ((select internal.is_operator()));

create function internal.move_stock() returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
    update public.products set stock = stock + new.quantity where id = new.product_id;
    return new;
end
$$;
revoke execute on function internal.move_stock() from public;

create trigger move_stock
after insert on public.stock_movements
for each row execute function internal.move_stock();

-- What lies on the shelves already becomes the first movement, without counting it twice.
alter table public.stock_movements disable trigger move_stock;
insert into public.stock_movements (product_id, quantity, reason, moved_at)
select id, stock, 'correction', created_at from public.products where stock > 0;
alter table public.stock_movements enable trigger move_stock;
