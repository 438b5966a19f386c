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
insert into public.ai_eval_runs (run_key, run_type, schema_variant, triggered_by)
values ('contract', 'manual', 'sitecraft', 'contract');
insert into public.ai_eval_samples (run_id, record_key, measure_version, provider)
select id, 'contract', '0', 'contract' from public.ai_eval_runs where run_key = 'contract';

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
select 'public.ai_eval_runs: anon sees none' as test, count(*) = 0 as ok from public.ai_eval_runs;
select 'public.ai_eval_samples: anon sees none' as test, count(*) = 0 as ok from public.ai_eval_samples;
select 'public.ai_eval_run_summary_v1: anon sees nothing of a run' as test, count(*) = 0 as ok
from public.ai_eval_run_summary_v1;

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
select 'public.ai_eval_runs: a customer sees none' as test, count(*) = 0 as ok from public.ai_eval_runs;
select 'public.ai_eval_samples: a customer sees none' as test, count(*) = 0 as ok from public.ai_eval_samples;
select 'public.ai_eval_run_summary_v1: a customer sees nothing of a run' as test, count(*) = 0 as ok
from public.ai_eval_run_summary_v1;

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
select 'public.ai_eval_runs: an operator sees runs' as test, count(*) >= 1 as ok from public.ai_eval_runs;
select 'public.ai_eval_samples: an operator sees samples' as test, count(*) >= 1 as ok from public.ai_eval_samples;
select 'public.ai_eval_run_summary_v1: an operator sees what became of a run' as test, count(*) = 1 as ok
from public.ai_eval_run_summary_v1 where provider = 'contract';

-- What row level security keeps from an operator is no error: it changes nothing.
do $$
declare
    changed bigint;
begin
    update public.ai_eval_runs set verdict = 'pass';
    get diagnostics changed = row_count;
    assert changed = 0, 'public.ai_eval_runs: an operator can write a verdict';
    delete from public.ai_eval_samples;
    get diagnostics changed = row_count;
    assert changed = 0, 'public.ai_eval_samples: an operator can take samples out';
end
$$;

do $$
begin
    insert into public.ai_eval_runs (run_type, schema_variant, triggered_by) values ('manual', 'x', 'x');
    raise exception 'public.ai_eval_runs: an operator can write a run';
exception
    when insufficient_privilege then null;
end
$$;

do $$
begin
    insert into public.ai_eval_samples (run_id, record_key, measure_version, provider)
    select id, 'another', '0', 'x' from public.ai_eval_runs;
    raise exception 'public.ai_eval_samples: an operator can write samples';
exception
    when insufficient_privilege then null;
end
$$;

set local role service_role;

do $$
begin
    update public.ai_eval_runs set verdict = 'fail' where run_key = 'contract';
    assert found, 'public.ai_eval_runs: the service role cannot write a verdict';
    insert into public.ai_eval_samples (run_id, record_key, measure_version, provider)
    select id, 'another', '0', 'x' from public.ai_eval_runs where run_key = 'contract';
    assert found, 'public.ai_eval_samples: the service role cannot write samples';
end
$$;

rollback;
