-- Which catalog row, in which version, is about which object? (class and oid; a table's file)
-- Locks: ACCESS SHARE on catalogs. Lowest version: 15.
-- Each branch is one catalog and is run alone, summed up, for a range of its blocks. Rows of the system's own objects
-- count only when they are newer than the transaction `base`.
select 'pg_namespace'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_namespace t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_class'::text as catalog, t.tableoid::bigint as class,
       (case t.relkind when 't' then pg_catalog.substring(t.relname, '\d+$')::oid else t.oid end)::bigint as oid,
       (case when t.relkind in ('r', 'm') then t.relfilenode end)::bigint as file,
       pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_class t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_attribute'::text as catalog, 'pg_catalog.pg_class'::regclass::bigint as class, t.attrelid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_attribute t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.attrelid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
  and (t.attnum > 0 or t.attacl is not null)
union all
select 'pg_attrdef'::text as catalog, 'pg_catalog.pg_class'::regclass::bigint as class, t.adrelid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_attrdef t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.adrelid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_constraint'::text as catalog,
       (case when t.conrelid <> 0 then 'pg_catalog.pg_class' else 'pg_catalog.pg_type' end::regclass)::oid::bigint as class,
       (case when t.conrelid <> 0 then t.conrelid else t.contypid end)::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_constraint t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_index'::text as catalog, 'pg_catalog.pg_class'::regclass::bigint as class, t.indrelid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_index t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.indrelid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_trigger'::text as catalog, 'pg_catalog.pg_class'::regclass::bigint as class, t.tgrelid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_trigger t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.tgrelid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_policy'::text as catalog, 'pg_catalog.pg_class'::regclass::bigint as class, t.polrelid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_policy t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.polrelid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_rewrite'::text as catalog, 'pg_catalog.pg_class'::regclass::bigint as class, t.ev_class::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_rewrite t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.ev_class >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_statistic_ext'::text as catalog, 'pg_catalog.pg_class'::regclass::bigint as class, t.stxrelid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_statistic_ext t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.stxrelid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_inherits'::text as catalog, 'pg_catalog.pg_class'::regclass::bigint as class, t.inhrelid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_inherits t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.inhrelid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_partitioned_table'::text as catalog, 'pg_catalog.pg_class'::regclass::bigint as class, t.partrelid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_partitioned_table t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.partrelid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_sequence'::text as catalog, 'pg_catalog.pg_class'::regclass::bigint as class, t.seqrelid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_sequence t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.seqrelid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_foreign_table'::text as catalog, 'pg_catalog.pg_class'::regclass::bigint as class, t.ftrelid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_foreign_table t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.ftrelid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_proc'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_proc t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_aggregate'::text as catalog, 'pg_catalog.pg_proc'::regclass::bigint as class, t.aggfnoid::oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_aggregate t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.aggfnoid::oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_type'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_type t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_enum'::text as catalog, 'pg_catalog.pg_type'::regclass::bigint as class, t.enumtypid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_enum t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.enumtypid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_range'::text as catalog, 'pg_catalog.pg_type'::regclass::bigint as class, t.rngtypid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_range t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.rngtypid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_cast'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_cast t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_operator'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_operator t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_opclass'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_opclass t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_opfamily'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_opfamily t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_collation'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_collation t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_conversion'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_conversion t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_language'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_language t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_ts_config'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_ts_config t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_ts_dict'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_ts_dict t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_ts_parser'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_ts_parser t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_ts_template'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_ts_template t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_transform'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_transform t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_am'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_am t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_foreign_data_wrapper'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_foreign_data_wrapper t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_foreign_server'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_foreign_server t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_event_trigger'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_event_trigger t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_default_acl'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_default_acl t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_extension'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_extension t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_publication'::text as catalog, t.tableoid::bigint as class, t.oid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_publication t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.oid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_amop'::text as catalog, 'pg_catalog.pg_opfamily'::regclass::bigint as class, t.amopfamily::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_amop t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.amopfamily >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_amproc'::text as catalog, 'pg_catalog.pg_opfamily'::regclass::bigint as class, t.amprocfamily::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_amproc t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.amprocfamily >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_ts_config_map'::text as catalog, 'pg_catalog.pg_ts_config'::regclass::bigint as class, t.mapcfg::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_ts_config_map t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.mapcfg >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_publication_rel'::text as catalog, 'pg_catalog.pg_publication'::regclass::bigint as class, t.prpubid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_publication_rel t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.prpubid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_publication_namespace'::text as catalog, 'pg_catalog.pg_publication'::regclass::bigint as class, t.pnpubid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_publication_namespace t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.pnpubid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_description'::text as catalog, t.classoid::bigint as class, t.objoid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_description t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.objoid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_seclabel'::text as catalog, t.classoid::bigint as class, t.objoid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_seclabel t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.objoid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_init_privs'::text as catalog, t.classoid::bigint as class, t.objoid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_init_privs t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.objoid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
union all
select 'pg_depend'::text as catalog, t.classid::bigint as class, t.objid::bigint as oid,
       null::bigint as file, pg_catalog.hash_record_extended(row(t.ctid, t.xmin), 0) as version
from pg_catalog.pg_depend t
where t.ctid >= %(from)s::tid and t.ctid < %(to)s::tid
  and (t.objid >= 16384 or pg_catalog.age(t.xmin) <= pg_catalog.age(%(base)s::text::xid))
  and (t.deptype in ('e', 'x') or t.deptype in ('a', 'i') and t.refobjsubid > 0
       and t.classid = 'pg_catalog.pg_class'::regclass and t.refclassid = 'pg_catalog.pg_class'::regclass)
