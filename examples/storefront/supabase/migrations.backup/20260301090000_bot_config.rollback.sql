drop table public.bot_config;
