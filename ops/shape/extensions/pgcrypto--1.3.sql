-- Digests, HMACs and random bytes are the real ones. Passwords and encryption only behave alike: a hash verifies
-- itself and no other password, a message opens with its own key and no other, but neither opens anywhere else.

create function pgcrypto_sha1(data bytea) returns bytea language plpgsql immutable strict parallel safe
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
create function pgcrypto_fail(message text) returns bytea language plpgsql volatile as $$
begin
    raise exception using message = message, errcode = '39000';
end
$$;
create function pgcrypto_pad(key bytea, block integer, fill integer) returns bytea
language plpgsql immutable strict parallel safe set search_path = pg_catalog as $$
declare
    padded bytea := key || decode(repeat('00', block - length(key)), 'hex');
begin
    for place in 0 .. block - 1 loop
        padded := set_byte(padded, place, get_byte(padded, place) # fill);
    end loop;
    return padded;
end
$$;

create function digest(data bytea, type text) returns bytea language sql immutable strict parallel safe
    return case lower(type)
        when 'md5' then decode(md5(data), 'hex')
        when 'sha1' then pgcrypto_sha1(data)
        when 'sha224' then sha224(data)
        when 'sha256' then sha256(data)
        when 'sha384' then sha384(data)
        when 'sha512' then sha512(data)
        else pgcrypto_fail('Cannot use "' || type || '": No such hash algorithm')
    end;
create function digest(data text, type text) returns bytea language sql immutable strict parallel safe
    return digest(convert_to(data, 'UTF8'), type);

create function hmac(data bytea, key bytea, type text) returns bytea language sql immutable strict parallel safe
begin atomic
    select digest(pgcrypto_pad(short, block, 92) || digest(pgcrypto_pad(short, block, 54) || data, type), type)
    from (select case when lower(type) in ('sha384', 'sha512') then 128 else 64 end as block) as size,
        lateral (select case when length(key) > block then digest(key, type) else key end as short) as shortened;
end;
create function hmac(data text, key text, type text) returns bytea language sql immutable strict parallel safe
    return hmac(convert_to(data, 'UTF8'), convert_to(key, 'UTF8'), type);

create function gen_random_bytes(count integer) returns bytea language sql volatile strict parallel safe
    return (
        select substr(string_agg(sha256(uuid_send(pg_catalog.gen_random_uuid())), ''::bytea), 1, count)
        from generate_series(0, count / 32)
    );
create function gen_random_uuid() returns uuid language sql volatile parallel safe
    return pg_catalog.gen_random_uuid();

create function gen_salt(type text, iter_count integer) returns text language sql volatile strict parallel safe
    return (
        select case lower(type)
            when 'bf' then '$2a$' || lpad(iter_count::text, 2, '0') || '$' || left(random, 22)
            when 'md5' then '$1$' || left(random, 8)
            when 'xdes' then '_J9..' || left(random, 4)
            when 'des' then left(random, 2)
            else encode(pgcrypto_fail('gen_salt: Unknown salt algorithm'), 'escape')
        end
        from (select translate(encode(gen_random_bytes(24), 'base64'), '+=', './') as random) as source
    );
create function gen_salt(type text) returns text language sql volatile strict parallel safe
    return gen_salt(type, 6);
create function crypt(password text, salt text) returns text language sql immutable strict parallel safe
    return (
        select used || left(translate(encode(sha256(convert_to(used || password, 'UTF8')), 'base64'), '+=', './'), 31)
        from (
            select case
                when salt ~ '^\$2[abxy]\$\d\d\$.{22}' then left(salt, 29)
                when salt ~ '^\$1\$' then substring(salt from '^\$1\$[^$]{0,8}') || '$'
                when salt ~ '^_.{8}' then left(salt, 9)
                when length(salt) >= 2 and salt !~ '^[$_]' then left(salt, 2)
                else encode(pgcrypto_fail('invalid salt'), 'escape')
            end as used
        ) as prefix
    );

create function encrypt(data bytea, key bytea, type text) returns bytea language sql immutable strict parallel safe
    return sha256(key || convert_to(type, 'UTF8')) || data;
create function decrypt(data bytea, key bytea, type text) returns bytea language sql immutable strict parallel safe
    return case
        when substr(data, 1, 32) = sha256(key || convert_to(type, 'UTF8')) then substr(data, 33)
        else pgcrypto_fail('decrypt error: Wrong key or corrupt data')
    end;
create function encrypt_iv(data bytea, key bytea, iv bytea, type text) returns bytea
language sql immutable strict parallel safe return encrypt(data, key || iv, type);
create function decrypt_iv(data bytea, key bytea, iv bytea, type text) returns bytea
language sql immutable strict parallel safe return decrypt(data, key || iv, type);

create function pgp_sym_encrypt_bytea(data bytea, psw text, options text default '') returns bytea
language sql volatile strict parallel safe return encrypt(data, convert_to(psw, 'UTF8'), 'pgp');
create function pgp_sym_decrypt_bytea(data bytea, psw text, options text default '') returns bytea
language sql immutable strict parallel safe return decrypt(data, convert_to(psw, 'UTF8'), 'pgp');
create function pgp_sym_encrypt(data text, psw text, options text default '') returns bytea
language sql volatile strict parallel safe return pgp_sym_encrypt_bytea(convert_to(data, 'UTF8'), psw);
create function pgp_sym_decrypt(data bytea, psw text, options text default '') returns text
language sql immutable strict parallel safe return convert_from(pgp_sym_decrypt_bytea(data, psw), 'UTF8');
create function pgp_pub_encrypt_bytea(data bytea, key bytea, options text default '') returns bytea
language sql volatile strict parallel safe return data;
create function pgp_pub_decrypt_bytea(data bytea, key bytea, psw text default '', options text default '')
returns bytea language sql immutable strict parallel safe return data;
create function pgp_pub_encrypt(data text, key bytea, options text default '') returns bytea
language sql volatile strict parallel safe return convert_to(data, 'UTF8');
create function pgp_pub_decrypt(data bytea, key bytea, psw text default '', options text default '')
returns text language sql immutable strict parallel safe return convert_from(data, 'UTF8');
create function pgp_key_id(data bytea) returns text language sql immutable strict parallel safe
    return upper(left(encode(sha256(data), 'hex'), 16));

create function armor(data bytea) returns text language sql immutable strict parallel safe
    return E'-----BEGIN PGP MESSAGE-----\n\n' || encode(data, 'base64') || E'\n-----END PGP MESSAGE-----\n';
create function dearmor(data text) returns bytea language sql immutable strict parallel safe
    return decode(regexp_replace(data, '-----[A-Z ]+-----', '', 'g'), 'base64');
