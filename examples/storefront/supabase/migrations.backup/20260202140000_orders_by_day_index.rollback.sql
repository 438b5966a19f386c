drop index concurrently if exists public.orders_placed_at_idx;
