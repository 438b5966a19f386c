-- The RLS contract of the shop: who may see and change what, whatever the policies are called.
-- Every row says true or false; a `DO` block that finds something wrong raises it.
\set ON_ERROR_STOP on
\set customer '\'{"sub": "c0000000-0000-4000-8000-000000000001", "role": "authenticated"}\''
\set operator '\'{"sub": "c0000000-0000-4000-8000-000000000002", "app_metadata": {"role": "operator"}}\''

begin;

insert into auth.users (id, aud, role, email) values
('c0000000-0000-4000-8000-000000000001', 'authenticated', 'authenticated', 'contract-one@example.com'),
('c0000000-0000-4000-8000-000000000002', 'authenticated', 'authenticated', 'contract-two@example.com');
insert into public.orders (customer_id, country) values
('c0000000-0000-4000-8000-000000000001', 'DE'),
('c0000000-0000-4000-8000-000000000002', 'AT');

select format('%s has row level security', c.oid::regclass) as test, c.relrowsecurity as ok
from pg_class as c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
order by c.relname;

select format('%s has a policy', c.oid::regclass) as test, exists (select from pg_policy where polrelid = c.oid) as ok
from pg_class as c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
order by c.relname;

set local role anon;

select 'public.products: anon sees what is listed and nothing else' as test,
coalesce(bool_and(status = 'listed'), true) as ok from public.products;
select 'public.orders: anon sees none' as test, count(*) = 0 as ok from public.orders;
select 'public.ai_provider_configs: anon sees none' as test, count(*) = 0 as ok from public.ai_provider_configs;

do $$
begin
    insert into public.shipping_rates (country, price_cents) values ('XX', 1);
    raise exception 'public.shipping_rates: anon can add a rate';
exception
    when insufficient_privilege then null;
end
$$;

reset role;
set local role authenticated;
set local request.jwt.claims = :customer;

select 'public.orders: a customer sees her own' as test, count(*) = 1 as ok from public.orders;
select 'public.orders: a customer sees nobody else''s' as test,
coalesce(bool_and(customer_id = 'c0000000-0000-4000-8000-000000000001'), true) as ok from public.orders;
select 'public.profiles: a customer sees her own' as test, count(*) = 1 as ok from public.profiles;
select 'public.ai_training_examples: a customer sees none' as test, count(*) = 0 as ok
from public.ai_training_examples;

do $$
begin
    insert into public.orders (customer_id, country) values ('c0000000-0000-4000-8000-000000000002', 'DE');
    raise exception 'public.orders: a customer can order in another one''s name';
exception
    when insufficient_privilege then null;
end
$$;

set local request.jwt.claims = :operator;

select 'public.orders: an operator sees every order' as test, count(*) >= 2 as ok from public.orders;
select 'public.ai_provider_configs: an operator sees the routing' as test, count(*) = 5 as ok
from public.ai_provider_configs;

rollback;
