-- Which tables that the API serves with nothing in between have a column that is called like a secret or like a person's data.
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select
    'sensitive_columns_exposed' as lint,
    t.schema,
    t.name,
    'table' as type,
    '' as part,
    pg_catalog.format('sensitive_columns_exposed_%%s_%%s', t.schema, t.name) as cache_key,
    pg_catalog.jsonb_build_object(
        'sensitive_columns', pg_catalog.jsonb_agg(a.attname order by a.attname)
    ) as facts
from relations as t
join pg_catalog.pg_attribute as a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
where
    t.kind in ('r', 'p')
    and not t.guarded
    and t.served
    and t.readers <> '{}'
    and not t.of_platform
    and pg_catalog.replace(pg_catalog.lower(a.attname), '-', '_') ~ (
        '^('
        'pass(word|wd|phrase)|pwd|jwt|otp|two_factor'
        '|(access_|refresh_|oauth_|session_|bearer_)?token'
        '|(session_|2fa_)?secret|secret_key|private_key|api_?key|auth_key|auth_code'
        '|session_(id|key)|(recovery|backup|verification|2fa)_code'
        '|ssn|social_security(_number)?|drivers?_license|license_(number|key)|activation_key'
        '|passport_(number|id)|national_id|tax_id'
        '|credit_card|card_number|cv[vcn]|bank_account|(account|routing)_number|iban|swift_code|bic'
        '|(health|medical)_(record|insurance)|patient_id|insurance_number|treatment'
        '|mac_address|macaddr|imei|device_uuid'
        '|(pgp|gpg|ssh)_key|certificate|facial_recognition'
        ')$'
    )
group by t.schema, t.name
