-- What a customer sees of each order, and what the operators' dashboard asks for.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

create view public.order_overview with (security_invoker = true) as
select
    o.id,
    o.customer_id,
    o.status,
    o.country,
    o.placed_at,
    coalesce(sum(i.quantity), 0)::bigint as pieces,
    coalesce(sum(i.quantity * i.unit_price_cents), 0)::bigint as total_cents
from public.orders as o
left join public.order_items as i on i.order_id = o.id
group by o.id;

create function public.revenue_by_day(since date)
returns table (day date, orders bigint, revenue_cents bigint)
language sql
stable
set search_path = ''
as $$
    select placed_at::date, count(*), sum(total_cents)::bigint
    from public.order_overview
    where placed_at >= since and status <> 'cancelled'
    group by 1
    order by 1
$$;
revoke execute on function public.revenue_by_day(date) from public, anon;
grant execute on function public.revenue_by_day(date) to authenticated, service_role;

create policy "operators read every order" on public.orders
for select to authenticated using ((select internal.is_operator()));

create policy "operators read every item" on public.order_items
for select to authenticated using ((select internal.is_operator()));
