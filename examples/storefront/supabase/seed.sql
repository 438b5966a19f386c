-- A shop after its first two months. The same rows every time: nothing here is random.
insert into auth.users (id, aud, role, email, raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
select
    ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid,
    'authenticated',
    'authenticated',
    'customer' || n || '@example.com',
    case when n = 1 then '{"role": "operator"}'::jsonb else '{}'::jsonb end,
    jsonb_build_object('name', (array['Ada', 'Ben', 'Chloé', 'Dário', 'Edda', 'Füsun', 'Grace', 'Håkon'])[1 + n % 8]),
    timestamptz '2026-01-05 09:00+00' + n * interval '7 hours',
    timestamptz '2026-01-05 09:00+00' + n * interval '7 hours'
from generate_series(1, 40) as n;

insert into public.products (category_id, sku, title, status, price_cents, created_at)
select
    c.id,
    upper(left(c.slug, 3)) || '-' || lpad(n::text, 3, '0'),
    c.title || ' no. ' || n,
    (case when n % 9 = 0 then 'retired' when n % 7 = 0 then 'draft' else 'listed' end)::public.product_status,
    490 + n * 130,
    timestamptz '2026-01-06 08:00+00' + n * interval '1 hour'
from public.categories as c
cross join generate_series(1, 15) as n
order by c.id, n;

insert into public.stock_movements (product_id, quantity, reason, moved_at)
select id, 40 + id % 25, 'delivery', created_at + interval '1 day' from public.products order by id;

insert into public.orders (customer_id, status, country, note, placed_at)
select
    ('00000000-0000-4000-8000-' || lpad((1 + n % 40)::text, 12, '0'))::uuid,
    (array['placed', 'paid', 'shipped', 'delivered', 'delivered', 'cancelled'])[1 + n % 6]::public.order_status,
    (array['DE', 'DE', 'DE', 'AT', 'CH', 'FR', 'NL', 'GB'])[1 + n % 8],
    case when n % 11 = 0 then 'Bitte beim Nachbarn abgeben' else '' end,
    timestamptz '2026-01-12 07:30+00' + n * interval '5 hours 40 minutes'
from generate_series(1, 150) as n;

insert into public.order_items (order_id, product_id, quantity, unit_price_cents)
select o.id, p.id, 1 + (o.id + p.id) % 3, p.price_cents
from public.orders as o
join public.products as p on (p.id + o.id * 7) % 23 = 0 and p.status = 'listed'
order by o.id, p.id;

insert into public.stock_movements (product_id, quantity, reason, moved_at)
select i.product_id, -sum(i.quantity), 'sale', max(o.placed_at)
from public.order_items as i
join public.orders as o on o.id = i.order_id
where o.status <> 'cancelled'
group by i.product_id
having sum(i.quantity) <= 40
order by i.product_id;

insert into public.ai_training_examples
(product_id, prompt, output, accepted, created_at, selected_provider, route_strategy, prompt_template_version)
select
    id,
    'Describe ' || title,
    jsonb_build_object('title', title, 'body', 'Made for slow mornings.'),
    id % 4 <> 0,
    created_at + interval '2 days',
    case when id % 5 = 0 then 'anthropic' else 'openai' end,
    case when id % 5 = 0 then 'weighted' else 'default' end,
    'v2'
from public.products
order by id;

insert into public.ai_eval_runs (run_type, schema_variant, triggered_by, started_at, finished_at)
select 'nightly', 'sitecraft', 'schedule', night, night + interval '9 minutes'
from generate_series(timestamptz '2026-02-16 02:00+00', '2026-02-20 02:00+00', '1 day') as night;

insert into public.ai_eval_samples
(run_id, record_key, measure_version, example_id, provider, schema_valid, safe, publish_proxy, latency_ms)
select
    r.id,
    e.id::text,
    'seed',
    e.id,
    e.selected_provider,
    (e.id + r.id) % 29 <> 0,
    true,
    0.7 + ((e.id * r.id) % 30) / 100.0,
    600 + (e.id * 37 + r.id * 11) % 900
from public.ai_eval_runs as r
join public.ai_training_examples as e on e.selected_provider is not null
order by r.id, e.id;
