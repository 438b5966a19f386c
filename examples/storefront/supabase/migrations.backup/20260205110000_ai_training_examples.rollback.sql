drop table public.ai_training_examples;
