-- Phase 2: which provider answers in which environment, and how well each of them does.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

alter table public.ai_training_examples
add column selected_provider text,
add column route_strategy text,
add column prompt_template_version text;

alter table public.ai_training_examples
add constraint ai_training_examples_route_strategy_check
check (route_strategy in ('default', 'weighted', 'fallback')) not valid;

-- Not concurrently: it belongs to the columns above, and the table is small.
-- squawk-ignore require-concurrent-index-creation
create index ai_training_examples_provider_idx
on public.ai_training_examples (selected_provider, created_at);

create table public.ai_provider_configs (
    id bigint generated always as identity primary key,
    provider text not null,
    environment text not null check (environment in ('dev', 'staging', 'prod')),
    enabled boolean not null default false,
    is_default boolean not null default false,
    weight bigint not null default 0 check (weight between 0 and 100),
    timeout_ms bigint not null default 30000 check (timeout_ms > 0),
    max_retries bigint not null default 2 check (max_retries >= 0),
    updated_at timestamptz not null default now(),
    unique (provider, environment),
    check (enabled or not is_default)
);
create unique index ai_provider_configs_one_default_idx
on public.ai_provider_configs (environment) where is_default;

create table public.ai_eval_runs (
    id bigint generated always as identity primary key,
    run_type text not null check (run_type in ('nightly', 'canary', 'manual')),
    schema_variant text not null,
    triggered_by text not null,
    started_at timestamptz not null default now(),
    finished_at timestamptz
);

create table public.ai_eval_samples (
    id bigint generated always as identity primary key,
    run_id bigint not null references public.ai_eval_runs (id) on delete cascade,
    example_id bigint not null references public.ai_training_examples (id) on delete cascade,
    provider text not null,
    schema_valid boolean not null,
    safe boolean not null,
    publish_proxy numeric(4, 3) not null check (publish_proxy between 0 and 1),
    latency_ms bigint not null check (latency_ms >= 0),
    unique (run_id, example_id, provider)
);
create index ai_eval_samples_example_id_idx on public.ai_eval_samples (example_id);

alter table public.ai_provider_configs enable row level security;
alter table public.ai_eval_runs enable row level security;
alter table public.ai_eval_samples enable row level security;

create policy "operators read provider configs" on public.ai_provider_configs
for select to authenticated using ((select internal.is_operator()));

create policy "operators read eval runs" on public.ai_eval_runs
for select to authenticated using ((select internal.is_operator()));

create policy "operators read eval samples" on public.ai_eval_samples
for select to authenticated using ((select internal.is_operator()));

create view public.ai_eval_run_summary_v1 with (security_invoker = true) as
select
    r.id as run_id,
    r.run_type,
    s.provider,
    r.started_at,
    count(*) as samples,
    avg(s.schema_valid::int)::numeric(5, 4) as schema_valid_rate,
    avg(s.safe::int)::numeric(5, 4) as safety_rate,
    avg(s.publish_proxy)::numeric(5, 4) as publish_proxy,
    percentile_cont(0.95) within group (order by s.latency_ms) as latency_p95_ms
from public.ai_eval_runs as r
join public.ai_eval_samples as s on s.run_id = r.id
group by r.id, s.provider;

insert into public.ai_provider_configs
(provider, environment, enabled, is_default, weight, timeout_ms) values
('openai', 'dev', true, true, 100, 30000),
('openai', 'staging', true, true, 80, 30000),
('anthropic', 'staging', true, false, 20, 45000),
('openai', 'prod', true, true, 100, 30000),
('anthropic', 'prod', false, false, 0, 45000);
