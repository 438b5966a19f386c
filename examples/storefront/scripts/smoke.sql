-- Can the shop be read at all? (psql -f scripts/smoke.sql)
\echo Reading the shop ...
select count(*) as products from public.products;
select count(*) as orders from public.order_overview;
select count(*) > 0 as somewhere_to_send_to from public.shipping_rates \gset
\if :somewhere_to_send_to
\echo ok
\else
\echo FAIL: there is no shipping rate
\endif
