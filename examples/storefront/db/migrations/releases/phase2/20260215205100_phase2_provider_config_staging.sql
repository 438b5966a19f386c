-- Phase 2 on staging: both providers answer, so that routing and its fallback are seen at work. Safe to run again.
set local lock_timeout = '5s';

update public.ai_provider_configs
set
    enabled = true,
    is_default = (provider = 'openai'),
    weight = case provider when 'openai' then 60 else 40 end,
    timeout_ms = case provider when 'openai' then 20000 else 30000 end,
    max_retries = 3
where environment = 'staging' and provider in ('openai', 'anthropic');
