-- Which roles, memberships, settings, user mappings and subscriptions are there? (their catalogs show no row versions to all)
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
select 0::bigint, 0::bigint, 'role' as kind, pg_catalog.quote_ident(r.rolname) as identity,
       pg_catalog.concat_ws(' ',
           case when r.rolsuper then 'superuser' end, case when not r.rolinherit then 'noinherit' end,
           case when r.rolcreaterole then 'createrole' end, case when r.rolcreatedb then 'createdb' end,
           case when r.rolcanlogin then 'login' else 'nologin' end, case when r.rolreplication then 'replication' end,
           case when r.rolbypassrls then 'bypassrls' end,
           case when r.rolconnlimit <> -1 then 'connection limit ' || r.rolconnlimit end,
           'valid until ' || r.rolvaliduntil) as definition
from pg_catalog.pg_roles r where r.rolname !~ '^pg_'
union all
select 0, 0, 'role membership',
       pg_catalog.format('%%I in %%I', pg_catalog.pg_get_userbyid(m.member), pg_catalog.pg_get_userbyid(m.roleid)),
       pg_catalog.string_agg(
           ((pg_catalog.to_jsonb(m) - '{oid,roleid,member,grantor}'::text[])
            || pg_catalog.jsonb_build_object('grantor', pg_catalog.pg_get_userbyid(m.grantor)))::text,
           ', ' order by pg_catalog.pg_get_userbyid(m.grantor)::text)
from pg_catalog.pg_auth_members m
group by m.member, m.roleid
union all
select 0, 0, 'setting',
       pg_catalog.concat_ws(' ', nullif(pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(s.setrole)), '"unknown (OID=0)"'),
                            case when s.setdatabase <> 0 then 'in this database' end),
       pg_catalog.array_to_string(array(select c from pg_catalog.unnest(s.setconfig) c order by c), E'\n')
from pg_catalog.pg_db_role_setting s
where s.setdatabase = 0
   or s.setdatabase = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
union all
select 0, 0, 'user mapping',
       pg_catalog.format('%%I for %%I', u.srvname, u.usename), ''
from pg_catalog.pg_user_mappings u
union all
select 0, 0, 'subscription', pg_catalog.quote_ident(s.subname),
       pg_catalog.concat_ws(E'\n',
           'owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(s.subowner)),
           case when not s.subenabled then 'disabled' end, 'slot ' || s.subslotname,
           'publications ' || pg_catalog.array_to_string(s.subpublications, ', '),
           pg_catalog.format('binary %%s, streaming %%s, synchronous commit %%s, two-phase %%s, disabled on error %%s',
               s.subbinary, s.substream, s.subsynccommit, s.subtwophasestate, s.subdisableonerr),
           'origin ' || newer.origin,
           case when not newer.password then 'no password required' end,
           case when newer.owner then 'run as owner' end,
           case when newer.failover then 'failover' end)
from pg_catalog.pg_subscription s
-- A column that this version does not have is, in the innermost query, the one of `absent`.
cross join (values (null::text, true, false, false)) as absent (suborigin, subpasswordrequired, subrunasowner, subfailover)
cross join lateral (
    select suborigin, subpasswordrequired, subrunasowner, subfailover
    from pg_catalog.pg_subscription t where t.oid = s.oid
) as newer (origin, password, owner, failover)
where s.subdbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
