drop table public.shipping_rates;
drop table public.products;
drop table public.categories;
drop function internal.is_operator();
drop type public.product_status;
drop schema internal;
