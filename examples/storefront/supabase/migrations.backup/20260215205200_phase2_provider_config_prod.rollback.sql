-- As the migration made it.
update public.ai_provider_configs
set
    enabled = (provider = 'openai'),
    is_default = (provider = 'openai'),
    weight = case provider when 'openai' then 100 else 0 end
where environment = 'prod' and provider in ('openai', 'anthropic');
