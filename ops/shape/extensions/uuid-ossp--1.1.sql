-- Versions 3, 4 and 5 are the real ones; 1 and 1mc are random and only carry the version's number.

create function uuid_sha1(data bytea) returns bytea language plpgsql immutable strict parallel safe
set search_path = pg_catalog as $$
declare
    m constant bigint := 4294967295;
    h bigint[] := array[1732584193, 4023233417, 2562383102, 271733878, 3285377520];
    v bigint[];
    w bigint[];
    padded bytea := data || '\x80'::bytea
        || decode(repeat('00', (119 - length(data) % 64) % 64), 'hex') || int8send(length(data)::bigint * 8);
    f bigint;
    x bigint;
begin
    for block in 0 .. length(padded) / 64 - 1 loop
        w := array[]::bigint[];
        for t in 0 .. 79 loop
            if t < 16 then
                x := ('x' || encode(substr(padded, block * 64 + t * 4 + 1, 4), 'hex'))::bit(32)::bigint;
            else
                x := w[t - 2] # w[t - 7] # w[t - 13] # w[t - 15];
                x := ((x << 1) | (x >> 31)) & m;
            end if;
            w := w || x;
        end loop;
        v := h;
        for t in 0 .. 79 loop
            f := case t / 20
                when 0 then ((v[2] & v[3]) | (~v[2] & m & v[4])) + 1518500249
                when 1 then (v[2] # v[3] # v[4]) + 1859775393
                when 2 then ((v[2] & v[3]) | (v[2] & v[4]) | (v[3] & v[4])) + 2400959708
                else (v[2] # v[3] # v[4]) + 3395469782
            end;
            x := ((((v[1] << 5) | (v[1] >> 27)) & m) + f + v[5] + w[t + 1]) & m;
            v := array[x, v[1], ((v[2] << 30) | (v[2] >> 2)) & m, v[3], v[4]];
        end loop;
        h := array[(h[1] + v[1]) & m, (h[2] + v[2]) & m, (h[3] + v[3]) & m, (h[4] + v[4]) & m, (h[5] + v[5]) & m];
    end loop;
    return substr(int8send(h[1]), 5) || substr(int8send(h[2]), 5) || substr(int8send(h[3]), 5)
        || substr(int8send(h[4]), 5) || substr(int8send(h[5]), 5);
end
$$;
create function uuid_stamped(hash bytea, version integer) returns uuid
language sql immutable strict parallel safe
    return encode(
        set_byte(
            set_byte(substr(hash, 1, 16), 6, (get_byte(hash, 6) & 15) | (version << 4)),
            8, (get_byte(hash, 8) & 63) | 128
        ), 'hex'
    )::uuid;

create function uuid_nil() returns uuid language sql immutable parallel safe
    return '00000000-0000-0000-0000-000000000000'::uuid;
create function uuid_ns_dns() returns uuid language sql immutable parallel safe
    return '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid;
create function uuid_ns_url() returns uuid language sql immutable parallel safe
    return '6ba7b811-9dad-11d1-80b4-00c04fd430c8'::uuid;
create function uuid_ns_oid() returns uuid language sql immutable parallel safe
    return '6ba7b812-9dad-11d1-80b4-00c04fd430c8'::uuid;
create function uuid_ns_x500() returns uuid language sql immutable parallel safe
    return '6ba7b814-9dad-11d1-80b4-00c04fd430c8'::uuid;
create function uuid_generate_v1() returns uuid language sql volatile parallel safe
    return uuid_stamped(uuid_send(gen_random_uuid()), 1);
create function uuid_generate_v1mc() returns uuid language sql volatile parallel safe
    return uuid_stamped(uuid_send(gen_random_uuid()), 1);
create function uuid_generate_v3(namespace uuid, name text) returns uuid
language sql immutable strict parallel safe
    return uuid_stamped(decode(md5(uuid_send(namespace) || convert_to(name, 'UTF8')), 'hex'), 3);
create function uuid_generate_v4() returns uuid language sql volatile parallel safe
    return gen_random_uuid();
create function uuid_generate_v5(namespace uuid, name text) returns uuid
language sql immutable strict parallel safe
    return uuid_stamped(uuid_sha1(uuid_send(namespace) || convert_to(name, 'UTF8')), 5);
