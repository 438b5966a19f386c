begin;
create extension if not exists pgtap with schema extensions;
select plan(7);

select policies_are('public', 'profiles', array['customers read their profile', 'customers edit their profile']);
select policy_roles_are('public', 'orders', 'customers place orders for themselves', array['authenticated']);

insert into auth.users (id, aud, role, email) values
('d0000000-0000-4000-8000-000000000001', 'authenticated', 'authenticated', 'suite-one@example.com'),
('d0000000-0000-4000-8000-000000000002', 'authenticated', 'authenticated', 'suite-two@example.com');
select isnt_empty(
    $$ select from public.profiles where id = 'd0000000-0000-4000-8000-000000000001' $$,
    'who signs up gets a profile'
);

set local role authenticated;
set local request.jwt.claims = '{"sub": "d0000000-0000-4000-8000-000000000001", "role": "authenticated"}';
select lives_ok(
    $$ insert into public.orders (customer_id, country) values ('d0000000-0000-4000-8000-000000000001', 'DE') $$,
    'a customer orders'
);
select throws_ok(
    $$ insert into public.orders (customer_id, country) values ('d0000000-0000-4000-8000-000000000002', 'DE') $$,
    '42501', null, 'a customer does not order for another'
);
select results_eq('select count(*) from public.order_overview', array[1::bigint], 'the overview shows her own orders');

set local request.jwt.claims = '{"sub": "d0000000-0000-4000-8000-000000000002", "role": "authenticated"}';
select is_empty('select id from public.order_overview', 'and nobody else''s');

select * from finish();
rollback;
