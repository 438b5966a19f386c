-- Prices become whole cents, and countries are written in capitals everywhere.
-- The columns keep their place and their values exactly: a rollback divides by a hundred. Countries cannot be
-- computed back, so what was written before is kept for the rollback.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

-- squawk-ignore changing-column-type
alter table public.products alter column price type bigint using (price * 100)::bigint;
-- squawk-ignore changing-column-type
alter table public.shipping_rates alter column price type bigint using (price * 100)::bigint;
-- squawk-ignore changing-column-type
alter table public.order_items alter column unit_price type bigint using (unit_price * 100)::bigint;

-- squawk-ignore renaming-column
alter table public.products rename column price to price_cents;
-- squawk-ignore renaming-column
alter table public.shipping_rates rename column price to price_cents;
-- squawk-ignore renaming-column
alter table public.order_items rename column unit_price to unit_price_cents;

create table internal.countries_before_capitals (
    relation text not null,
    id bigint not null,
    country text not null,
    primary key (relation, id)
);

insert into internal.countries_before_capitals (relation, id, country)
select 'shipping_rates', id, country from public.shipping_rates where country <> upper(country)
union all
select 'orders', id, country from public.orders where country <> upper(country);

update public.shipping_rates set country = upper(country) where country <> upper(country);
update public.orders set country = upper(country) where country <> upper(country);
