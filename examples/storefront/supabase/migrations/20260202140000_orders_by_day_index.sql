-- Orders are written all day long: the index is built without blocking them, so it has a file of its own.
create index concurrently if not exists orders_placed_at_idx
on public.orders (placed_at desc, id);
