"""What stands in for extensions that no wheel has: it answers as the real one, or says that it cannot."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import psycopg
import pytest

from tests.fix_hosted import Hosted

KEY = "00000000-0000-4000-8000-000000000001"


@pytest.mark.parametrize("length", [0, 1, 55, 56, 63, 64, 65, 119, 120, 500])
@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])
def test_digests_are_real(rolled_back: Hosted, algorithm: str, length: int) -> None:
    text = "é" * (length // 2) + "x" * (length % 2)
    expected = hashlib.new(algorithm, text.encode()).hexdigest()
    assert rolled_back.ask("select encode(digest(%s, %s), 'hex')", text, algorithm) == expected


@pytest.mark.parametrize("key", ["", "key", "k" * 64, "k" * 200])
@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
def test_hmacs_are_real(rolled_back: Hosted, algorithm: str, key: str) -> None:
    expected = hmac.new(key.encode(), b"message", algorithm).hexdigest()
    assert rolled_back.ask("select encode(hmac('message', %s, %s), 'hex')", key, algorithm) == expected


ANSWERS: dict[str, tuple[str, Any]] = {
    "password": (
        "select crypt('a', hash) = hash and crypt('b', hash) <> hash from crypt('a', gen_salt('bf')) as hash",
        True,
    ),
    "rounds": ("select gen_salt('bf', 8) like '$2a$08$%'", True),
    "old password": ("select crypt('a', hash) = hash from crypt('a', gen_salt('md5')) as hash", True),
    "message": ("select pgp_sym_decrypt(pgp_sym_encrypt('text', 'key'), 'key')", "text"),
    "bytes": ("select length(gen_random_bytes(33))", 33),
    "armor": ("select convert_from(dearmor(armor('text')), 'UTF8')", "text"),
    "v4": ("select substr(uuid_generate_v4()::text, 15, 1)", "4"),
    "v5": (
        "select uuid_generate_v5(uuid_ns_dns(), 'python.org')::text",
        "886313e1-3b8a-5372-9b90-0c9aee199e5d",
    ),
    "v3": (
        "select uuid_generate_v3(uuid_ns_dns(), 'python.org')::text",
        "6fa459ea-ee8a-3ca4-894e-db77e160355e",
    ),
    "v1": ("select substr(uuid_generate_v1mc()::text, 15, 1)", "1"),
    "jwt": (
        "create extension pgjwt; select sign("
        '\'{"sub":"1234567890","name":"John Doe","iat":1516239022}\', \'secret\')',
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ"
        ".XbPfbIHMI6arZ3Y922BhjWgQzWXcXNrz0ogtVhfEd2o",
    ),
    "jwt verified": (
        "create extension pgjwt;"
        "select valid and payload ->> 'a' = 'b' from verify(sign('{\"a\":\"b\"}', 's'), 's')",
        True,
    ),
    "jwt expired": ("create extension pgjwt; select valid from verify(sign('{\"exp\":1}', 's'), 's')", False),
    "job": (
        "create extension pg_cron; select cron.schedule('a', '*/5 * * * *', 'select 1');"
        "select cron.schedule('a', '30 seconds', 'select 2');"
        "select schedule || ' ' || command || ' ' || username from cron.job where jobname = 'a'",
        "30 seconds select 2 postgres",
    ),
    "no job": (
        "create extension pg_cron; select cron.schedule('@daily', 'x'); select cron.unschedule(1);"
        "select count(*) from cron.job",
        0,
    ),
    "request": (
        "create extension pg_net; select net.http_post('http://a', '{\"b\": 1}', '{\"c\": \"d e\"}');"
        "select method || ' ' || url || ' ' || convert_from(body, 'UTF8') from net.http_request_queue",
        'POST http://a?c=d%20e {"b": 1}',
    ),
    "http": ("create extension http; select status from http_get('http://a')", 503),
    "http row": (
        "create extension http;"
        "select status from http(('GET', 'http://a', array[http_header('a', 'b')], null, null))",
        503,
    ),
    "url": ("create extension http; select urlencode('a b&é')", "a%20b%26%C3%A9"),
    "schema holds": (
        'create extension pg_jsonschema; select json_matches_schema(\'{"type": "object", "required": ["a"],'
        ' "properties": {"a": {"type": "integer", "minimum": 1}}}\', \'{"a": 1}\')',
        True,
    ),
    "schema does not": (
        'create extension pg_jsonschema; select jsonb_matches_schema(\'{"type": "object",'
        ' "properties": {"a": {"type": "array", "items": {"type": "string"}}},'
        ' "additionalProperties": false}\', \'{"a": [1], "b": 2}\')',
        False,
    ),
    "one schema of several": (
        "create extension pg_jsonschema;"
        'select json_matches_schema(\'{"oneOf": [{"type": "null"}, {"enum": ["x"]}]}\', \'"x"\')',
        True,
    ),
    "place": (
        "create extension postgis; select st_asgeojson(st_setsrid('POINT(13.4 -52.5)', 4326))",
        '{"type" : "Point", "coordinates" : [13.4,-52.5]}',
    ),
    "places written and read": (
        "create extension postgis; select st_asewkt(st_geomfromgeojson(st_asgeojson("
        "'MULTIPOLYGON(((0 0,1.5 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))'::geography)))",
        "SRID=4326;MULTIPOLYGON(((0 0,1.5 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))",
    ),
    "way between places": (
        "create extension postgis; select round(st_distance("
        "'POINT(2.3522 48.8566)'::geography, st_point(13.405, 52.52)::geography) / 1000)",
        877.0,
    ),
    "places in view": (
        "create extension postgis; create table t (at geography(point));"
        "insert into t values ('POINT(1 1)'), ('POINT(9 9)'), ('POINT(2 3)');"
        "select count(*) filter (where at && st_setsrid(st_makebox2d(st_point(0, 0), st_point(5, 5)), 4326))"
        " + 10 * count(*) filter (where st_dwithin(at, 'POINT(1 1)', 1000)) from t",
        12,
    ),
    "short id": ("create extension pg_hashids; select id_encode(12345, 'this is my salt')", "NkK9"),
    "long id": ("create extension pg_hashids; select id_encode(1, 'this is my salt', 8)", "gB0NV05e"),
    "id of several": (
        "create extension pg_hashids; select id_encode(array[683, 94108, 123, 5]::bigint[], 'this is my salt')",
        "aBMswoO2UB3Sj",
    ),
    "ids read": (
        "create extension pg_hashids; select bool_and(id_decode(id_encode(array[n, 7, n * n], 's', 20), 's', 20)"
        " = array[n, 7, n * n] and id_decode_once(id_encode(n)) = n) from generate_series(0, 3000, 97::bigint) as n",
        True,
    ),
    "table of events": (
        "create extension timescaledb; create table event (at timestamptz not null, what text);"
        "select create_hypertable('event', 'at', chunk_time_interval => interval '7 days');"
        "select concat(to_regclass('event_at_idx'), ' ', time_bucket('2 months', timestamp '2024-04-09 10:00'), ' ',"
        " time_bucket('1 week', date '2024-04-11'))",
        "event_at_idx 2024-03-01 00:00:00 2024-04-08",
    ),
    "queue": (
        "create extension pgmq; select pgmq.create('q'); select pgmq.send('q', '{\"a\": 1}');"
        "select pgmq.send('q', '{}', 60);"
        "select string_agg(message::text, '') from pgmq.read('q', 30, 10)",
        '{"a": 1}',
    ),
    "queue read twice": (
        "create extension pgmq; select pgmq.create('q'); select pgmq.send_batch('q', array['{}', '{}']::jsonb[]);"
        "select pgmq.archive('q', 1); select pgmq.delete('q', 2); select pgmq.send('q', '{}');"
        "select (select count(*) from pgmq.q_q) * 100 + (select count(*) from pgmq.a_q) * 10"
        " + (pgmq.pop('q')).msg_id",
        113,
    ),
    "queue dropped": (
        "create extension pgmq; select pgmq.create('q'); select pgmq.drop_queue('q');"
        "select count(*) from pgmq.list_queues()",
        0,
    ),
    "sealed": (
        "create extension pgsodium; select convert_from(pgsodium.crypto_aead_det_decrypt("
        f"pgsodium.crypto_aead_det_encrypt('a', 'b', '{KEY}'::uuid), 'b', '{KEY}'::uuid), 'UTF8')",
        "a",
    ),
    "key": ("create extension pgsodium; select (pgsodium.create_key(name := 'k')).name", "k"),
    "GraphQL": (
        "create extension pg_graphql; select graphql.resolve('{ a }') #>> '{errors,0,message}'",
        "pg_graphql stands in for the real one",
    ),
    "advice": (
        "create extension index_advisor cascade; select cardinality(errors) from index_advisor('select 1')",
        1,
    ),
    "extension as text": (
        "create extension pg_tle; select pgtle.install_extension('own-thing', '0.1', 'mine',"
        " 'create function own() returns int language sql as ''select 7''');"
        'create extension "own-thing"; select own()',
        7,
    ),
    "extension as text, updated": (
        "create extension pg_tle; select pgtle.install_extension('other', '1', 'mine', 'select 1');"
        "select pgtle.install_update_path('other', '1', '2',"
        " 'create function other() returns int language sql return 2');"
        "create extension other version '1'; alter extension other update to '2'; select other()",
        2,
    ),
    "packages": (
        "create extension http with schema extensions; create extension pg_tle;"
        "drop extension if exists \"supabase-dbdev\"; select pgtle.uninstall_extension_if_exists('supabase-dbdev');"
        "select pgtle.install_extension('supabase-dbdev', resp.contents ->> 'version', 'manager',"
        " resp.contents ->> 'sql')"
        " from http(('GET', 'https://api.database.dev/rest/v1/package_versions', array[('apiKey', 'a')::http_header],"
        " null, null)) as x, lateral (select ((row_to_json(x) -> 'content') #>> '{}')::json -> 0) as resp (contents);"
        "create extension \"supabase-dbdev\"; select dbdev.install('basejump-supabase_test_helpers');"
        "create extension \"basejump-supabase_test_helpers\" version '0.0.6';"
        "select tests.create_supabase_user('me'); select tests.authenticate_as('me');"
        "select auth.uid() = tests.get_supabase_uid('me') and current_user = 'authenticated'",
        True,
    ),
    "a function of one's own beside the test helpers": (
        "alter default privileges revoke execute on functions from public;"
        'create extension "basejump-supabase_test_helpers";'
        "create function tests.mine() returns int language sql return 1; set local role anon; select tests.mine()",
        1,
    ),
    "vault": (
        "select vault.create_secret('s3cret', 'name'); select decrypted_secret from vault.decrypted_secrets",
        "s3cret",
    ),
    "a reference to a secret": (
        "create table public.keys (secret uuid references vault.secrets (id) on delete set null);"
        "insert into public.keys select vault.create_secret('s3cret', 'name'); delete from vault.secrets;"
        "select count(*) from public.keys where secret is null",
        1,
    ),
}

REFUSED = {
    "digest": ("select digest('a', 'sha0')", "No such hash algorithm|Cannot use"),
    "salt": ("select gen_salt('none')", "Unknown salt algorithm|unknown salt|gen_salt"),
    "wrong key": ("select pgp_sym_decrypt(pgp_sym_encrypt('text', 'key'), 'other')", "Wrong key"),
    "check": (
        "create extension plpgsql_check; select plpgsql_check_function('auth.uid()'::regprocedure)",
        "cannot check",
    ),
    "job": ("create extension pg_cron; select cron.unschedule('nobody')", "could not find valid entry"),
    "taken name": (
        "create extension pg_tle; select pgtle.install_extension('unaccent', '99', '', 'select 1')",
        "already exists",
    ),
    "version of the server's own": (
        "create extension pg_tle; select pgtle.install_extension_version_sql('citext', '99', 'select 1')",
        "not installed",
    ),
    "another folder": (
        "create extension pg_tle; select pgtle.install_extension('../../x', '1', '', 'select 1')",
        "invalid extension name",
    ),
    "more than a name": (
        "create extension pg_tle; select pgtle.install_extension('x', '1', '', 'select 1',"
        " array[e'citext''\\ntrusted = true\\nsuperuser = true'])",
        "invalid extension name",
    ),
    "the file writer": ("create extension pg_tle; select pgtle.put('x', 'y')", "permission denied"),
}


@pytest.mark.parametrize(("text", "answer"), ANSWERS.values(), ids=ANSWERS.keys())
def test_it_answers(rolled_back: Hosted, text: str, answer: object) -> None:
    before, _, query = text.rpartition(";")
    rolled_back.run(before)
    assert rolled_back.ask(query) == answer


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_it_refuses(rolled_back: Hosted, text: str, message: str) -> None:
    before, _, query = text.rpartition(";")
    rolled_back.run(before)
    with pytest.raises(psycopg.Error, match=message):
        rolled_back.ask(query)
