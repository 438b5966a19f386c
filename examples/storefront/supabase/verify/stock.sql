-- What the ledger says of the stock is what the products say.
select p.sku, p.stock = coalesce(sum(m.quantity), 0) as stock_is_its_movements
from public.products as p
left join public.stock_movements as m on m.product_id = p.id
group by p.id;

select not exists (
    select from public.order_items as i
    where not exists (select from public.orders as o where o.id = i.order_id)
) as every_item_has_its_order;
