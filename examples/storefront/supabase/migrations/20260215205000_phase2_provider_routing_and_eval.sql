-- Phase 2: which provider answers in which environment, and how well each of them does.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

alter table public.ai_training_examples
add column selected_provider text,
add column route_strategy text,
add column prompt_template_version text,
add column environment text,
add column publish_state text,
add column latency_ms bigint,
add column cost_usd numeric(12, 6),
add column updated_at timestamptz not null default now();

alter table public.ai_training_examples
add constraint ai_training_examples_route_strategy_check
check (route_strategy in ('default', 'weighted', 'fallback')) not valid;

alter table public.ai_training_examples
add constraint ai_training_examples_publish_state_check
check (publish_state in ('published', 'edited', 'discarded')) not valid;

-- Not concurrently: it belongs to the columns above, and the table is small.
-- squawk-ignore require-concurrent-index-creation
create index ai_training_examples_provider_idx
on public.ai_training_examples (selected_provider, created_at);

-- What the nightly export reads by: pages that begin behind the last key of the page before.
-- squawk-ignore require-concurrent-index-creation
create index ai_training_examples_created_at_id_idx
on public.ai_training_examples (created_at, id);

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
    run_key text unique,
    run_type text not null check (run_type in ('nightly', 'canary', 'manual')),
    schema_variant text not null,
    triggered_by text not null,
    window_start timestamptz,
    window_end timestamptz,
    content_digest text,
    measure_version text,
    version bigint not null default 1 check (version > 0),
    records bigint check (records >= 0),
    tallies jsonb,
    verdict text check (verdict in ('pass', 'fail', 'inconclusive')),
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    unique (run_type, schema_variant, window_start, window_end, version)
);
create index ai_eval_runs_window_end_idx on public.ai_eval_runs (window_end);

-- A measure that fails on a record has no value there, and is named among the errored ones.
create table public.ai_eval_samples (
    run_id bigint not null references public.ai_eval_runs (id) on delete cascade,
    record_key text not null,
    measure_version text not null,
    example_id bigint references public.ai_training_examples (id) on delete set null,
    provider text not null,
    route_strategy text,
    prompt_template_version text,
    environment text,
    schema_valid boolean,
    safe boolean,
    publish_proxy numeric(4, 3) check (publish_proxy between 0 and 1),
    latency_ms bigint check (latency_ms >= 0),
    cost_usd numeric(12, 6) check (cost_usd >= 0),
    errored text[] not null default '{}',
    created_at timestamptz,
    primary key (run_id, record_key, measure_version)
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
    percentile_cont(0.95) within group (order by s.latency_ms) as latency_p95_ms,
    r.version,
    count(*) filter (where cardinality(s.errored) > 0) as errored,
    sum(s.cost_usd) as cost_usd
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
