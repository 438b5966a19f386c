-- No advice without hypothetical indexes: the answer says so in its errors.

create function index_advisor(query text) returns table (
    startup_cost_before jsonb, startup_cost_after jsonb, total_cost_before jsonb, total_cost_after jsonb,
    index_statements text[], errors text[]
) language sql volatile as $$
    select null::jsonb, null::jsonb, null::jsonb, null::jsonb, '{}'::text[],
        array['index_advisor stands in for the real one and advises nothing']
$$;
