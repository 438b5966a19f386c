begin;
create extension if not exists pgtap with schema extensions;
select plan(6);

select has_view('public', 'ai_eval_run_summary_v1', 'the summary exists');
select results_eq(
    $$ select provider from public.ai_provider_configs where environment = 'prod' and is_default $$,
    array['openai'],
    'production has exactly one default provider'
);
select throws_ok(
    $$ update public.ai_provider_configs set enabled = true, is_default = true
       where provider = 'anthropic' and environment = 'prod' $$,
    '23505', null, 'a second default is refused'
);
select throws_ok(
    $$ update public.ai_provider_configs set enabled = false where provider = 'openai' and environment = 'prod' $$,
    '23514', null, 'the default provider cannot be switched off'
);

set local role anon;
select is_empty('select from public.ai_provider_configs', 'anon does not see the routing');
select throws_ok(
    $$ insert into public.ai_eval_runs (run_type, schema_variant, triggered_by) values ('manual', 'x', 'anon') $$,
    '42501', null, 'anon starts no eval run'
);

select * from finish();
rollback;
