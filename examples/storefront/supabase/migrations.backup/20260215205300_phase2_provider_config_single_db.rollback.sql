-- As the migration made it.
update public.ai_provider_configs as c
set enabled = b.enabled, is_default = b.is_default, weight = b.weight
from (
    values
    ('openai', 'dev', true, true, 100),
    ('openai', 'staging', true, true, 80),
    ('anthropic', 'staging', true, false, 20),
    ('openai', 'prod', true, true, 100),
    ('anthropic', 'prod', false, false, 0)
) as b (provider, environment, enabled, is_default, weight)
where c.provider = b.provider and c.environment = b.environment;
