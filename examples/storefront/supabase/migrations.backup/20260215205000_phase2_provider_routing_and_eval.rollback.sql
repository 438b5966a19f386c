drop view public.ai_eval_run_summary_v1;
drop table public.ai_eval_samples;
drop table public.ai_eval_runs;
drop table public.ai_provider_configs;

drop index public.ai_training_examples_provider_idx;
drop index public.ai_training_examples_created_at_id_idx;
alter table public.ai_training_examples
drop constraint ai_training_examples_publish_state_check,
drop column updated_at,
drop column cost_usd,
drop column latency_ms,
drop column publish_state,
drop column environment,
drop constraint ai_training_examples_route_strategy_check,
drop column prompt_template_version,
drop column route_strategy,
drop column selected_provider;
