-- The common keywords are checked: type, enum, const, properties, required, additionalProperties, items, lengths,
-- ranges, pattern, allOf, anyOf, oneOf and not. A schema that says $ref or format is not followed there.

create function jsonschema_validation_errors(schema json, instance json) returns text[]
language plpgsql immutable strict as $$
declare
    rules jsonb := schema::jsonb;
    given jsonb := instance::jsonb;
    kind text := jsonb_typeof(given);
    found text[] := '{}';
    name text;
    rule jsonb;
    matching integer;
    plain text := given #>> '{}';
begin
    if jsonb_typeof(rules) = 'boolean' then
        return case when rules = 'true' then found else array['false schema does not allow ' || plain] end;
    end if;
    if rules ? 'type' then
        rule := case when jsonb_typeof(rules -> 'type') = 'array' then rules -> 'type'
            else jsonb_build_array(rules -> 'type') end;
        if not (rule ? kind or rule ? 'integer' and kind = 'number' and plain::numeric % 1 = 0) then
            found := found || format('%s is not of type %s', given, rules -> 'type');
        end if;
    end if;
    if rules ? 'enum' and not rules -> 'enum' @> jsonb_build_array(given) then
        found := found || format('%s is not one of %s', given, rules -> 'enum');
    end if;
    if rules ? 'const' and rules -> 'const' <> given then
        found := found || format('%s was expected', rules -> 'const');
    end if;
    if kind = 'object' then
        for name in select jsonb_array_elements_text(coalesce(rules -> 'required', '[]')) loop
            if not given ? name then
                found := found || format('"%s" is a required property', name);
            end if;
        end loop;
        for name in select jsonb_object_keys(given) loop
            rule := coalesce(rules -> 'properties' -> name, rules -> 'additionalProperties', 'true');
            if rule = 'false' then
                found := found || format('additional property "%s" is not allowed', name);
            else
                found := found || jsonschema_validation_errors(rule::json, (given -> name)::json);
            end if;
        end loop;
    elsif kind = 'array' then
        if jsonb_array_length(given) < (rules ->> 'minItems')::integer
            or jsonb_array_length(given) > (rules ->> 'maxItems')::integer then
            found := found || format('%s has %s items', given, jsonb_array_length(given));
        end if;
        if rules -> 'uniqueItems' = 'true'
            and (select count(*) > count(distinct item) from jsonb_array_elements(given) as item) then
            found := found || format('%s has items that are not unique', given);
        end if;
        if jsonb_typeof(rules -> 'items') in ('object', 'boolean') then
            for rule in select jsonb_array_elements(given) loop
                found := found || jsonschema_validation_errors((rules -> 'items')::json, rule::json);
            end loop;
        end if;
    elsif kind = 'string' then
        if length(plain) < (rules ->> 'minLength')::integer or length(plain) > (rules ->> 'maxLength')::integer then
            found := found || format('%s has %s characters', given, length(plain));
        end if;
        if plain !~ (rules ->> 'pattern') then
            found := found || format('%s does not match "%s"', given, rules ->> 'pattern');
        end if;
    elsif kind = 'number' then
        if plain::numeric < (rules ->> 'minimum')::numeric or plain::numeric > (rules ->> 'maximum')::numeric
            or plain::numeric <= (rules ->> 'exclusiveMinimum')::numeric
            or plain::numeric >= (rules ->> 'exclusiveMaximum')::numeric
            or plain::numeric % (rules ->> 'multipleOf')::numeric <> 0 then
            found := found || format('%s is out of range', given);
        end if;
    end if;
    for rule in select jsonb_array_elements(coalesce(rules -> 'allOf', '[]')) loop
        found := found || jsonschema_validation_errors(rule::json, instance);
    end loop;
    if rules ?| array['anyOf', 'oneOf'] then
        select count(*) into matching from jsonb_array_elements(coalesce(rules -> 'anyOf', rules -> 'oneOf')) as one
        where jsonschema_validation_errors(one::json, instance) = '{}';
        if matching = 0 or rules ? 'oneOf' and matching > 1 then
            found := found || format('%s matches %s of the schemas', given, matching);
        end if;
    end if;
    if rules ? 'not' and jsonschema_validation_errors((rules -> 'not')::json, instance) = '{}' then
        found := found || format('%s is not allowed for %s', rules -> 'not', given);
    end if;
    return found;
end
$$;
do $path$
begin
    execute format('alter function jsonschema_validation_errors(json, json) set search_path = %I, pg_catalog',
        '@extschema@');
end
$path$;
create function json_matches_schema(schema json, instance json) returns boolean
language sql immutable strict return jsonschema_validation_errors(schema, instance) = '{}';
create function jsonb_matches_schema(schema json, instance jsonb) returns boolean
language sql immutable strict return jsonschema_validation_errors(schema, instance::json) = '{}';
create function jsonschema_is_valid(schema json) returns boolean
language sql immutable strict return jsonb_typeof(schema::jsonb) in ('object', 'boolean');
