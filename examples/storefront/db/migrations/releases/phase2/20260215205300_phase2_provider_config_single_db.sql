-- Phase 2 where one database serves everybody: only production's default answers, and nothing else is on. Safe to run
-- again.
set local lock_timeout = '5s';

update public.ai_provider_configs
set
    enabled = (environment = 'prod' and provider = 'openai'),
    is_default = (environment = 'prod' and provider = 'openai'),
    weight = case when environment = 'prod' and provider = 'openai' then 100 else 0 end;
