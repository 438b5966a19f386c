-- The real ids, as the published algorithm makes them.

create function hashids_shuffled(letters text, salt text) returns text language plpgsql immutable strict as $$
declare
    mixed text[] := string_to_array(letters, null);
    sum integer := 0;
    place integer;
    other integer;
    kept text;
begin
    for i in reverse cardinality(mixed) - 1..1 loop
        exit when salt = '';
        place := (cardinality(mixed) - 1 - i) % length(salt);
        sum := sum + ascii(substr(salt, place + 1, 1));
        other := (ascii(substr(salt, place + 1, 1)) + place + sum) % i;
        kept := mixed[i + 1];
        mixed[i + 1] := mixed[other + 1];
        mixed[other + 1] := kept;
    end loop;
    return array_to_string(mixed, '');
end
$$;

create function hashids_alphabets(salt text, letters text, out alphabet text, out separators text, out guards text)
language plpgsql immutable strict as $$
declare
    wanted integer;
begin
    select string_agg(letter, '' order by first), string_agg(letter, '' order by strpos('cfhistuCFHISTU', letter))
        filter (where strpos('cfhistuCFHISTU', letter) > 0)
    into alphabet, separators
    from (
        select letter, min(n) as first from string_to_table(letters, null) with ordinality as t(letter, n) group by 1
    ) as each;
    if length(alphabet) < 16 then
        raise exception 'an alphabet must contain at least 16 unique characters, and this one has %', length(alphabet);
    end if;
    alphabet := translate(alphabet, 'cfhistuCFHISTU', '');
    separators := hashids_shuffled(coalesce(separators, ''), salt);
    wanted := greatest(ceil(length(alphabet) / 3.5), 2);
    if separators = '' or length(alphabet) / length(separators)::numeric > 3.5 then
        if wanted > length(separators) then
            wanted := wanted - length(separators);
            separators := separators || left(alphabet, wanted);
            alphabet := substr(alphabet, wanted + 1);
        else
            separators := left(separators, wanted);
        end if;
    end if;
    alphabet := hashids_shuffled(alphabet, salt);
    wanted := ceil(length(alphabet) / 12.0);
    guards := left(alphabet, wanted);
    alphabet := substr(alphabet, wanted + 1);
end
$$;

create function id_encode(
    numbers bigint[], salt text default '', min_length integer default 0,
    alphabet text default 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890'
) returns text language plpgsql immutable strict as $$
declare
    given record := hashids_alphabets(salt, alphabet);
    letters text := given.alphabet;
    size integer := length(given.alphabet);
    sum bigint;
    lottery text;
    rest bigint;
    last text;
    id text;
begin
    select sum(number % (n + 99)) into sum from unnest(numbers) with ordinality as t(number, n);
    lottery := substr(letters, (sum % size)::integer + 1, 1);
    id := lottery;
    for i in 1..cardinality(numbers) loop
        letters := hashids_shuffled(letters, left(lottery || salt || letters, size));
        rest := numbers[i];
        last := '';
        loop
            last := substr(letters, (rest % size)::integer + 1, 1) || last;
            rest := rest / size;
            exit when rest = 0;
        end loop;
        id := id || last;
        if i < cardinality(numbers) then
            rest := numbers[i] % (ascii(last) + i - 1) % length(given.separators);
            id := id || substr(given.separators, rest::integer + 1, 1);
        end if;
    end loop;
    if length(id) < min_length then
        id := substr(given.guards, ((sum + ascii(id)) % length(given.guards))::integer + 1, 1) || id;
    end if;
    if length(id) < min_length then
        id := id || substr(given.guards, ((sum + ascii(substr(id, 3, 1))) % length(given.guards))::integer + 1, 1);
    end if;
    while length(id) < min_length loop
        letters := hashids_shuffled(letters, letters);
        id := substr(letters, size / 2 + 1) || id || left(letters, size / 2);
        if length(id) > min_length then
            id := substr(id, (length(id) - min_length) / 2 + 1, min_length);
        end if;
    end loop;
    return id;
end
$$;

create function id_decode(
    id text, salt text default '', min_length integer default 0,
    alphabet text default 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890'
) returns bigint[] language plpgsql immutable strict as $$
declare
    given record := hashids_alphabets(salt, alphabet);
    letters text := given.alphabet;
    size integer := length(given.alphabet);
    parts text[] := string_to_array(translate(id, given.guards, repeat(' ', length(given.guards))), ' ');
    inner_part text := parts[case when cardinality(parts) between 2 and 3 then 2 else 1 end];
    lottery text := left(inner_part, 1);
    part text;
    letter text;
    number bigint;
    numbers bigint[] := '{}';
begin
    foreach part in array string_to_array(
        translate(substr(inner_part, 2), given.separators, repeat(' ', length(given.separators))), ' '
    ) loop
        letters := hashids_shuffled(letters, left(lottery || salt || letters, size));
        number := 0;
        foreach letter in array string_to_array(part, null) loop
            number := number * size + strpos(letters, letter) - 1;
        end loop;
        numbers := numbers || number;
    end loop;
    return case when id_encode(numbers, salt, min_length, alphabet) = id then numbers else '{}' end;
end
$$;

create function id_encode(bigint) returns text language sql immutable strict return id_encode(array[$1]);
create function id_encode(bigint, text) returns text language sql immutable strict return id_encode(array[$1], $2);
create function id_encode(bigint, text, integer) returns text language sql immutable strict
return id_encode(array[$1], $2, $3);
create function id_encode(bigint, text, integer, text) returns text language sql immutable strict
return id_encode(array[$1], $2, $3, $4);
create function id_decode_once(text) returns bigint language sql immutable strict return (id_decode($1))[1];
create function id_decode_once(text, text) returns bigint language sql immutable strict return (id_decode($1, $2))[1];
create function id_decode_once(text, text, integer) returns bigint language sql immutable strict
return (id_decode($1, $2, $3))[1];
create function id_decode_once(text, text, integer, text) returns bigint language sql immutable strict
return (id_decode($1, $2, $3, $4))[1];

do $path$
declare
    function regprocedure;
begin
    foreach function in array array[
        'hashids_alphabets(text, text)', 'id_encode(bigint[], text, integer, text)',
        'id_decode(text, text, integer, text)'
    ]::regprocedure[] loop
        execute format('alter function %s set search_path = %I, pg_catalog', function, '@extschema@');
    end loop;
end
$path$;
