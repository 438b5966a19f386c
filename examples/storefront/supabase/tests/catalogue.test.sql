begin;
create extension if not exists pgtap with schema extensions;
select plan(9);

select has_table('public', t, 'public.' || t || ' exists')
from unnest(array['categories', 'products', 'shipping_rates']) as t;
select col_type_is('public', 'products', 'price_cents', 'bigint', 'prices are whole cents');
select enum_has_labels('public', 'product_status', array['draft', 'listed', 'retired']);
select is_empty(
    'select country from public.shipping_rates where country <> upper(country)',
    'countries are written in capitals'
);
select results_eq(
    $$ select price_cents from public.shipping_rates where country = 'DE' $$,
    array[490::bigint],
    'what cost 4.90 costs 490 cents'
);

insert into public.products (category_id, sku, title, price_cents)
select id, 'TEST-1', 'For the test', 100 from public.categories where slug = 'tea';
insert into public.stock_movements (product_id, quantity, reason)
select id, 12, 'delivery' from public.products where sku = 'TEST-1';
select is((select stock from public.products where sku = 'TEST-1'), 12::bigint, 'a movement changes the stock');
select throws_ok(
    $$ insert into public.stock_movements (product_id, quantity, reason)
       select id, -13, 'sale' from public.products where sku = 'TEST-1' $$,
    '23514', null, 'what is not there cannot be sold'
);

select * from finish();
rollback;
