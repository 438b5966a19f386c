drop policy "operators read every item" on public.order_items;
drop policy "operators read every order" on public.orders;
drop function public.revenue_by_day(date);
drop view public.order_overview;
