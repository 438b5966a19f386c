-- What is asked of shapes, and the lists of them.

create function st_perimeter(geometry) returns double precision language sql immutable strict
return case when geometrytype($1) like '%POLYGON'
    then 2 * (width(geometry_box($1)) + height(geometry_box($1))) else 0 end;
create function st_area(geography, boolean default true) returns double precision language sql immutable strict
return st_area($1::geometry) * 111195.08 ^ 2 * cosd((geometry_middle($1::geometry))[1]);
create function st_length(geography, boolean default true) returns double precision language sql immutable strict
return st_length($1::geometry) * 111195.08;
create function st_makeline(geometry, geometry) returns geometry language sql immutable strict
begin atomic
    select st_setsrid(('LINESTRING(' || string_agg(x || ' ' || y, ',') || ')')::geometry, st_srid($1))
    from (select * from geometry_points($1) union all select * from geometry_points($2)) as points;
end;
create function st_makepolygon(geometry) returns geometry language sql immutable strict
return regexp_replace($1::text, 'linestring *(\(.*\))', 'POLYGON(\1)', 'i')::geometry;
create function st_expand(geometry, double precision) returns geometry language sql immutable strict
return geometry_drawn(
    box(point(st_xmin($1) - $2, st_ymin($1) - $2), point(st_xmax($1) + $2, st_ymax($1) + $2)), st_srid($1)
);
create function geometry(point) returns geometry language sql immutable strict return st_makepoint($1[0], $1[1]);
create function point(geometry) returns point language sql immutable strict return geometry_middle($1);
create cast (point as geometry) with function geometry(point);
create cast (geometry as point) with function point(geometry);
create cast (geometry as jsonb) with inout;

do $functions$
declare
    kind text;
    name text;
    parameters text;
begin
    foreach kind in array array['geometry', 'geography'] loop
        execute format($make$
            create function st_astext(%1$s) returns text language sql immutable strict
            return regexp_replace($1::text, '^srid=\d+;', '', 'i');
            create function st_asewkt(%1$s) returns text language sql immutable strict return $1::text;
            create function st_asbinary(%1$s) returns bytea language sql immutable strict return $1::text::bytea;
            create function st_asgeojson(%1$s, integer default 9, integer default 8) returns text
            language sql immutable strict
            return json_build_object('type', substr(st_geometrytype($1::geometry), 4), 'coordinates', (
                select (case geometrytype($1::geometry) when 'POINT' then coordinates -> 0 else coordinates end)::json
                from (select translate(
                    regexp_replace(
                        substring($1::text from '\(.*'), '(-?[0-9.]+(?:e[-+]?\d+)?)\s+(-?[0-9.]+(?:e[-+]?\d+)?)[^,()]*',
                        '[\1,\2]', 'gi'
                    ), '()', '[]'
                )::json as coordinates) as written
            ))::text;
            create operator && (
                leftarg = %1$s, rightarg = %1$s, function = %1$s_overlaps, commutator = &&
            );
            create function %1$s_distance(%1$s, %1$s) returns double precision language sql immutable strict
            return st_distance($1, $2);
            create operator <-> (leftarg = %1$s, rightarg = %1$s, function = %1$s_distance, commutator = <->);
        $make$, kind);
    end loop;
    foreach name in array array['st_contains', 'st_containsproperly', 'st_covers'] loop
        execute format('create function %s(geometry, geometry) returns boolean language sql immutable strict'
            ' return geometry_contains($1, $2)', name);
    end loop;
    foreach name in array array['st_within', 'st_coveredby'] loop
        execute format('create function %s(geometry, geometry) returns boolean language sql immutable strict'
            ' return geometry_within($1, $2)', name);
    end loop;
    foreach name in array array['st_intersects', 'st_crosses', 'st_overlaps', 'st_touches'] loop
        execute format('create function %s(geometry, geometry) returns boolean language sql immutable strict'
            ' return geometry_overlaps($1, $2)', name);
    end loop;
    foreach name in array array['st_covers', 'st_coveredby', 'st_intersects'] loop
        execute format('create function %1$s(geography, geography) returns boolean language sql immutable strict'
            ' return %1$s($1::geometry, $2::geometry)', name);
    end loop;
    foreach name in array array['st_geomfromtext', 'st_geometryfromtext', 'st_pointfromtext', 'st_polygonfromtext'] loop
        execute format('create function %1$s(text) returns geometry language sql immutable strict return $1::geometry;'
            'create function %1$s(text, integer) returns geometry language sql immutable strict'
            ' return st_setsrid($1::geometry, $2)', name);
    end loop;
    foreach name in array array['st_geogfromtext', 'st_geographyfromtext'] loop
        execute format('create function %s(text) returns geography language sql immutable strict return $1::geography',
            name);
    end loop;
    execute 'create function st_geomfromewkt(text) returns geometry language sql immutable strict return $1::geometry;'
        'create function st_geomfromwkb(bytea, integer default 0) returns geometry language sql immutable strict'
        ' return $1::geometry';
    for name, parameters in values
        ('st_buffer', ', double precision'), ('st_buffer', ', double precision, text'), ('st_boundary', ''),
        ('st_buffer', ', double precision, integer'), ('st_simplify', ', double precision'),
        ('st_simplifypreservetopology', ', double precision'), ('st_snaptogrid', ', double precision'),
        ('st_transform', ', integer'), ('st_makevalid', ''), ('st_force2d', ''), ('st_multi', ''),
        ('st_convexhull', ''),
        ('st_concavehull', ', double precision'), ('st_exteriorring', ''), ('st_startpoint', ''), ('st_endpoint', ''),
        ('st_union', ', geometry'), ('st_collect', ', geometry'), ('st_intersection', ', geometry'),
        ('st_difference', ', geometry'), ('st_symdifference', ', geometry'), ('st_closestpoint', ', geometry'),
        ('st_lineinterpolatepoint', ', double precision')
    loop
        execute format('create function %s(geometry%s) returns geometry language sql immutable strict return $1',
            name, parameters);
    end loop;
    execute 'create function st_buffer(geography, double precision) returns geography'
        ' language sql immutable strict return $1';
end
$functions$;

create operator ~ (leftarg = geometry, rightarg = geometry, function = geometry_contains, commutator = @);
create operator @ (leftarg = geometry, rightarg = geometry, function = geometry_within, commutator = ~);

create function geometry_kept(geometry, geometry) returns geometry language sql immutable
return coalesce($1, $2);
create function geometry_line(geometry, geometry) returns geometry language sql immutable
return case when $1 is null then $2 when $2 is null then $1 else st_makeline($1, $2) end;
create function geometry_extent(geometry, geometry) returns geometry language sql immutable
return case when $1 is null then st_envelope($2) when $2 is null then $1
    else geometry_drawn(bound_box(geometry_box($1), geometry_box($2)), st_srid($1)) end;
create aggregate st_union(geometry) (sfunc = geometry_kept, stype = geometry);
create aggregate st_collect(geometry) (sfunc = geometry_kept, stype = geometry);
create aggregate st_makeline(geometry) (sfunc = geometry_line, stype = geometry);
create aggregate st_extent(geometry) (sfunc = geometry_extent, stype = geometry);

create function postgis_version() returns text language sql immutable return '3.3 USE_GEOS=1 USE_PROJ=1 USE_STATS=1';
create function postgis_lib_version() returns text language sql immutable return '3.3.7';
create function postgis_full_version() returns text language sql immutable
return 'POSTGIS="3.3.7 stands in for the real one"';

create table spatial_ref_sys (
    srid integer primary key check (srid > 0 and srid <= 998999), auth_name varchar(256), auth_srid integer,
    srtext varchar(2048), proj4text varchar(2048)
);
select pg_extension_config_dump('spatial_ref_sys', '');
insert into spatial_ref_sys values (4326, 'EPSG', 4326, '', '+proj=longlat +datum=WGS84 +no_defs'),
    (3857, 'EPSG', 3857, '', '+proj=merc +a=6378137 +b=6378137 +units=m +no_defs');
do $views$
declare
    kind text;
begin
    foreach kind in array array['geometry', 'geography'] loop
        execute format(
            'create view %1$s_columns as select current_database()::varchar(256) as f_table_catalog,'
            ' n.nspname as f_table_schema, c.relname as f_table_name, a.attname as f_%1$s_column,'
            ' 2 as coord_dimension, 0 as srid, upper(%1$L)::varchar(30) as type'
            ' from pg_class as c join pg_attribute as a on a.attrelid = c.oid and not a.attisdropped'
            ' join pg_namespace as n on n.oid = c.relnamespace'
            ' where c.relkind in (''r'', ''v'', ''m'', ''f'', ''p'') and a.atttypid = %1$L::regtype'
            ' and not pg_is_other_temp_schema(n.oid) and has_table_privilege(c.oid, ''select'')', kind);
    end loop;
end
$views$;
grant select on spatial_ref_sys, geometry_columns, geography_columns to public;
