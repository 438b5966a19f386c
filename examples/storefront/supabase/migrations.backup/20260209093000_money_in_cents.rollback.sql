update public.orders as o set country = b.country
from internal.countries_before_capitals as b
where b.relation = 'orders' and b.id = o.id;

update public.shipping_rates as s set country = b.country
from internal.countries_before_capitals as b
where b.relation = 'shipping_rates' and b.id = s.id;

drop table internal.countries_before_capitals;

alter table public.order_items rename column unit_price_cents to unit_price;
alter table public.shipping_rates rename column price_cents to price;
alter table public.products rename column price_cents to price;

alter table public.order_items alter column unit_price type numeric(10, 2) using unit_price / 100.0;
alter table public.shipping_rates alter column price type numeric(10, 2) using price / 100.0;
alter table public.products alter column price type numeric(10, 2) using price / 100.0;
