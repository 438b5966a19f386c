-- Which version of which catalog row lies where, what does the row say, and to whom does it belong?
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
-- Each branch is one catalog, and is also run alone for a range of its blocks. Rows of the system's own objects count
-- only when they are newer than the transaction `base`.
select 'pg_namespace'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint, t.oid::bigint, t.nspname::text, null::bigint
from pg_catalog.pg_namespace t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_class'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint,
       (case t.relkind when 't' then pg_catalog.substring(t.relname, '\d+$')::oid else t.oid end)::oid::bigint,
       pg_catalog.concat_ws('.', t.relnamespace, t.relname)::text,
       case when t.relkind in ('r', 'p', 'm') then t.relfilenode end::oid::bigint
from pg_catalog.pg_class t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_attribute'::text, t.ctid::text, t.xmin::text, 'pg_catalog.pg_class'::regclass::oid::bigint,
       t.attrelid::oid::bigint, 'pg_catalog.pg_class'::regclass::oid::bigint, t.attrelid::bigint,
       case when t.attnum > 0 and not t.attisdropped then t.attname end::text, t.attnum::bigint
from pg_catalog.pg_attribute t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.attrelid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_attrdef'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       'pg_catalog.pg_class'::regclass::oid::bigint, t.adrelid::bigint, null::text, null::bigint
from pg_catalog.pg_attrdef t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.adrelid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_constraint'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       (case when t.conrelid <> 0 then 'pg_catalog.pg_class'::regclass else 'pg_catalog.pg_type'::regclass end)::oid::bigint,
       (case when t.conrelid <> 0 then t.conrelid else t.contypid end)::oid::bigint, null::text, null::bigint
from pg_catalog.pg_constraint t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_index'::text, t.ctid::text, t.xmin::text, 'pg_catalog.pg_class'::regclass::oid::bigint,
       t.indexrelid::oid::bigint, 'pg_catalog.pg_class'::regclass::oid::bigint, t.indrelid::bigint,
       null::text, null::bigint
from pg_catalog.pg_index t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.indrelid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_trigger'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       'pg_catalog.pg_class'::regclass::oid::bigint, t.tgrelid::bigint, null::text, null::bigint
from pg_catalog.pg_trigger t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.tgrelid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_policy'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       'pg_catalog.pg_class'::regclass::oid::bigint, t.polrelid::bigint, null::text, null::bigint
from pg_catalog.pg_policy t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.polrelid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_rewrite'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       'pg_catalog.pg_class'::regclass::oid::bigint, t.ev_class::bigint, null::text, null::bigint
from pg_catalog.pg_rewrite t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.ev_class >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_statistic_ext'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       'pg_catalog.pg_class'::regclass::oid::bigint, t.stxrelid::bigint, null::text, null::bigint
from pg_catalog.pg_statistic_ext t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.stxrelid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_inherits'::text, t.ctid::text, t.xmin::text, null::oid::bigint, null::oid::bigint,
       'pg_catalog.pg_class'::regclass::oid::bigint, t.inhrelid::bigint, null::text, null::bigint
from pg_catalog.pg_inherits t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.inhrelid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_partitioned_table'::text, t.ctid::text, t.xmin::text, null::oid::bigint, null::oid::bigint,
       'pg_catalog.pg_class'::regclass::oid::bigint, t.partrelid::bigint, null::text, null::bigint
from pg_catalog.pg_partitioned_table t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.partrelid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_sequence'::text, t.ctid::text, t.xmin::text, null::oid::bigint, null::oid::bigint,
       'pg_catalog.pg_class'::regclass::oid::bigint, t.seqrelid::bigint, null::text, null::bigint
from pg_catalog.pg_sequence t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.seqrelid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_foreign_table'::text, t.ctid::text, t.xmin::text, null::oid::bigint, null::oid::bigint,
       'pg_catalog.pg_class'::regclass::oid::bigint, t.ftrelid::bigint, null::text, null::bigint
from pg_catalog.pg_foreign_table t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.ftrelid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_proc'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint, t.oid::bigint, pg_catalog.concat_ws('.', t.pronamespace, t.proname)::text,
       null::bigint
from pg_catalog.pg_proc t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_aggregate'::text, t.ctid::text, t.xmin::text, null::oid::bigint, null::oid::bigint,
       'pg_catalog.pg_proc'::regclass::oid::bigint, (t.aggfnoid::oid)::bigint, null::text, null::bigint
from pg_catalog.pg_aggregate t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.aggfnoid::oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_type'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       (case when t.typrelid <> 0 then 'pg_catalog.pg_class'::regclass else 'pg_catalog.pg_type'::regclass end)::oid::bigint,
       (case when t.typrelid <> 0 then t.typrelid else t.oid end)::oid::bigint,
       pg_catalog.concat_ws('.', t.typnamespace, t.typname)::text, null::bigint
from pg_catalog.pg_type t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_enum'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       'pg_catalog.pg_type'::regclass::oid::bigint, t.enumtypid::bigint, t.enumlabel::text, null::bigint
from pg_catalog.pg_enum t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.enumtypid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_range'::text, t.ctid::text, t.xmin::text, null::oid::bigint, null::oid::bigint,
       'pg_catalog.pg_type'::regclass::oid::bigint, t.rngtypid::bigint, null::text, null::bigint
from pg_catalog.pg_range t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.rngtypid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_cast'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint, t.oid::bigint, null::text, null::bigint
from pg_catalog.pg_cast t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_operator'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint, t.oid::bigint, t.oprname::text, null::bigint
from pg_catalog.pg_operator t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_opclass'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint, t.oid::bigint, t.opcname::text, null::bigint
from pg_catalog.pg_opclass t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_opfamily'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint, t.oid::bigint, t.opfname::text, null::bigint
from pg_catalog.pg_opfamily t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_collation'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint, t.oid::bigint, t.collname::text, null::bigint
from pg_catalog.pg_collation t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_conversion'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint, t.oid::bigint, null::text, null::bigint
from pg_catalog.pg_conversion t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_language'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint, t.oid::bigint, t.lanname::text, null::bigint
from pg_catalog.pg_language t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_ts_config'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint, t.oid::bigint, t.cfgname::text, null::bigint
from pg_catalog.pg_ts_config t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_ts_dict'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint, t.oid::bigint, t.dictname::text, null::bigint
from pg_catalog.pg_ts_dict t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_ts_parser'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint, t.oid::bigint, t.prsname::text, null::bigint
from pg_catalog.pg_ts_parser t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_ts_template'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint, t.oid::bigint, t.tmplname::text, null::bigint
from pg_catalog.pg_ts_template t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_transform'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint, t.oid::bigint, null::text, null::bigint
from pg_catalog.pg_transform t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_am'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint, t.oid::bigint, t.amname::text, null::bigint
from pg_catalog.pg_am t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_foreign_data_wrapper'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint, t.oid::bigint, t.fdwname::text, null::bigint
from pg_catalog.pg_foreign_data_wrapper t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_foreign_server'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint, t.oid::bigint, t.srvname::text, null::bigint
from pg_catalog.pg_foreign_server t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_event_trigger'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint, t.oid::bigint, null::text, null::bigint
from pg_catalog.pg_event_trigger t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_default_acl'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint, t.oid::bigint, null::text, null::bigint
from pg_catalog.pg_default_acl t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_extension'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint, t.oid::bigint, null::text, null::bigint
from pg_catalog.pg_extension t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_publication'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       t.tableoid::oid::bigint, t.oid::bigint, null::text, null::bigint
from pg_catalog.pg_publication t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_amop'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       'pg_catalog.pg_opfamily'::regclass::oid::bigint, t.amopfamily::bigint, null::text, null::bigint
from pg_catalog.pg_amop t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.amopfamily >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_amproc'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       'pg_catalog.pg_opfamily'::regclass::oid::bigint, t.amprocfamily::bigint, null::text, null::bigint
from pg_catalog.pg_amproc t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.amprocfamily >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_ts_config_map'::text, t.ctid::text, t.xmin::text, null::oid::bigint, null::oid::bigint,
       'pg_catalog.pg_ts_config'::regclass::oid::bigint, t.mapcfg::bigint, null::text, null::bigint
from pg_catalog.pg_ts_config_map t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.mapcfg >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_publication_rel'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       'pg_catalog.pg_publication'::regclass::oid::bigint, t.prpubid::bigint, null::text, null::bigint
from pg_catalog.pg_publication_rel t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.prpubid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_publication_namespace'::text, t.ctid::text, t.xmin::text, t.tableoid::oid::bigint, t.oid::oid::bigint,
       'pg_catalog.pg_publication'::regclass::oid::bigint, t.pnpubid::bigint, null::text, null::bigint
from pg_catalog.pg_publication_namespace t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.pnpubid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_description'::text, t.ctid::text, t.xmin::text, null::oid::bigint, null::oid::bigint,
       t.classoid::oid::bigint, t.objoid::bigint, null::text, null::bigint
from pg_catalog.pg_description t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.objoid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_seclabel'::text, t.ctid::text, t.xmin::text, null::oid::bigint, null::oid::bigint,
       t.classoid::oid::bigint, t.objoid::bigint, null::text, null::bigint
from pg_catalog.pg_seclabel t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.objoid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_init_privs'::text, t.ctid::text, t.xmin::text, null::oid::bigint, null::oid::bigint,
       t.classoid::oid::bigint, t.objoid::bigint, null::text, null::bigint
from pg_catalog.pg_init_privs t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.objoid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_depend'::text, t.ctid::text, t.xmin::text, null::oid::bigint, null::oid::bigint,
       t.classid::oid::bigint, t.objid::bigint, null::text, null::bigint
from pg_catalog.pg_depend t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.objid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
  and (t.deptype in ('e', 'x') or t.deptype in ('a', 'i') and t.refobjsubid > 0
       and t.classid = 'pg_catalog.pg_class'::regclass and t.refclassid = 'pg_catalog.pg_class'::regclass)
