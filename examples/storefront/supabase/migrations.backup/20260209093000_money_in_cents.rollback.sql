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

-- A check keeps the cast that a change of type writes into it, so each is made anew.
alter table public.order_items
    drop constraint order_items_unit_price_check,
    alter column unit_price type numeric(10, 2) using unit_price / 100.0,
    add constraint order_items_unit_price_check check (unit_price >= 0);
alter table public.shipping_rates
    drop constraint shipping_rates_price_check,
    alter column price type numeric(10, 2) using price / 100.0,
    add constraint shipping_rates_price_check check (price >= 0);
alter table public.products
    drop constraint products_price_check,
    alter column price type numeric(10, 2) using price / 100.0,
    add constraint products_price_check check (price >= 0);
