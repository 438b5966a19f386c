-- Phase 2 in production: openai answers, and one request in ten goes to anthropic. Safe to run again.
set local lock_timeout = '5s';

update public.ai_provider_configs
set
    enabled = true,
    is_default = (provider = 'openai'),
    weight = case provider when 'openai' then 90 else 10 end
where environment = 'prod' and provider in ('openai', 'anthropic');
