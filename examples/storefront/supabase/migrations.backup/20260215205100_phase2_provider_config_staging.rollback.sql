-- As the migration made it.
update public.ai_provider_configs
set
    enabled = true,
    is_default = (provider = 'openai'),
    weight = case provider when 'openai' then 80 else 20 end,
    timeout_ms = case provider when 'openai' then 30000 else 45000 end,
    max_retries = 2
where environment = 'staging' and provider in ('openai', 'anthropic');
