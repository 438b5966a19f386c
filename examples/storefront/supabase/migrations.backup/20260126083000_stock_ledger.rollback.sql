-- The sums on the products stay: they were there before the ledger.
drop table public.stock_movements;
drop function internal.move_stock();
drop type public.movement_reason;
