-- What the app reads at its start: which version the schema has, and what is switched on, in each environment.
set local lock_timeout = '5s';
set local statement_timeout = '1min';

create table public.bot_config (
    id bigint generated always as identity primary key,
    config_key text not null,
    environment text not null check (environment in ('production', 'staging')),
    config_value jsonb not null default '{}' check (jsonb_typeof(config_value) = 'object'),
    updated_at timestamptz not null default now(),
    unique (config_key, environment)
);
comment on table public.bot_config is 'Settings that the app reads, one row for each environment';

alter table public.bot_config enable row level security;

create policy "operators read the settings" on public.bot_config
for select to authenticated using ((select internal.is_operator()));

insert into public.bot_config (config_key, environment, config_value)
select
    'schema_version',
    e.environment,
    '{"version": "1.0.0", "migration": "20260301090000_bot_config", "timestamp": "2026-03-01T09:00:00Z"}'
from (values ('production'), ('staging')) as e (environment);

insert into public.bot_config (config_key, environment, config_value) values
('feature_flags', 'production', '{"autonomous_posting": true, "live_posts": true, "order_overview": true}'),
('feature_flags', 'staging', '{"autonomous_posting": false, "live_posts": false, "order_overview": true}');
