drop view public.ai_eval_run_summary_v1;
drop table public.ai_eval_samples;
drop table public.ai_eval_runs;
drop table public.ai_provider_configs;

drop index public.ai_training_examples_provider_idx;
alter table public.ai_training_examples
drop constraint ai_training_examples_route_strategy_check,
drop column prompt_template_version,
drop column route_strategy,
drop column selected_provider;
