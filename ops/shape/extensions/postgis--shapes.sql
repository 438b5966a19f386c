-- Shapes are kept as the text they were given. Points are measured as they should be; of anything larger the box
-- around it and its middle are, and what would make a new shape of it (a buffer, another projection) answers with
-- the one it got. Texts that are no shape are taken too.

create type geometry;
create type geography;

do $types$
declare
    kind text;
    symbol text;
    name text;
    support text[];
begin
    foreach kind in array array['geometry', 'geography'] loop
        execute format($make$
            create function %1$s_in(cstring) returns %1$s language internal immutable strict as 'textin';
            create function %1$s_out(%1$s) returns cstring language internal immutable strict as 'textout';
            create function %1$s_recv(internal) returns %1$s language internal immutable strict as 'textrecv';
            create function %1$s_send(%1$s) returns bytea language internal immutable strict as 'textsend';
            create function %1$s_typmod_in(cstring[]) returns integer language internal immutable strict
                as 'array_cardinality';
            create function %1$s_typmod_out(integer) returns cstring language internal immutable strict
                as 'varchartypmodout';
            create type %1$s (
                input = %1$s_in, output = %1$s_out, receive = %1$s_recv, send = %1$s_send, storage = main,
                typmod_in = %1$s_typmod_in, typmod_out = %1$s_typmod_out, delimiter = ':'
            );
            create cast (text as %1$s) without function as implicit;
            create cast (bytea as %1$s) without function as implicit;
            create cast (%1$s as text) without function as implicit;
            create cast (%1$s as bytea) without function as implicit;
            create function %1$s_cmp(%1$s, %1$s) returns integer language internal immutable strict as 'byteacmp';
            create function %1$s_hash(%1$s) returns integer language internal immutable strict as 'hashvarlena';
        $make$, kind);
        for symbol, name in values ('=', 'eq'), ('<', 'lt'), ('<=', 'le'), ('>', 'gt'), ('>=', 'ge') loop
            execute format(
                'create function %1$s_%2$s(%1$s, %1$s) returns boolean language internal immutable strict as %3$L;'
                'create operator %4$s (leftarg = %1$s, rightarg = %1$s, function = %1$s_%2$s%5$s)',
                kind, name, 'bytea' || name, symbol,
                case name when 'eq' then ', commutator = =, hashes, merges' end
            );
        end loop;
        support := array[
            'consistent(internal, bytea, smallint, oid, internal) returns boolean',
            'union(internal, internal) returns bytea', 'compress(internal) returns internal',
            'decompress(internal) returns internal', 'penalty(internal, internal, internal) returns internal',
            'picksplit(internal, internal) returns internal', 'same(bytea, bytea, internal) returns internal'
        ];
        -- No query gains from such an index: it is there to be made.
        for i in 1..7 loop
            name := split_part(support[i], '(', 1);
            execute format(
                'create function %1$s_gist_%2$s language c immutable strict as ''$libdir/btree_gist'', %3$L',
                kind, support[i], case name when 'decompress' then 'gbt_var_' else 'gbt_bytea_' end || name
            );
            support[i] := format('function %s %s_gist_%s', i, kind, substring(support[i] from '^[^)]*\)'));
        end loop;
        execute format($make$
            create operator class btree_%1$s_ops default for type %1$s using btree as operator 1 <, operator 2 <=,
                operator 3 =, operator 4 >=, operator 5 >, function 1 %1$s_cmp(%1$s, %1$s);
            create operator class hash_%1$s_ops default for type %1$s using hash as operator 1 =,
                function 1 %1$s_hash(%1$s);
            create operator class %2$s default for type %1$s using gist as %3$s, storage bytea;
        $make$, kind, case kind when 'geometry' then 'gist_geometry_ops_2d' else 'gist_geography_ops' end,
            array_to_string(support, ', '));
    end loop;
end
$types$;

create domain box2d as geometry;
create domain box3d as geometry;
create cast (geometry as geography) without function as implicit;
create cast (geography as geometry) without function;

create function geometry_points(geometry, out x double precision, out y double precision) returns setof record
language sql immutable strict as $$
    select found[1]::double precision, found[2]::double precision
    from regexp_matches(
        regexp_replace($1::text, '^srid=\d+;', '', 'i'),
        '(-?[0-9.]+(?:e[-+]?\d+)?)\s+(-?[0-9.]+(?:e[-+]?\d+)?)', 'gi'
    ) as found
$$;
create function geometry_box(geometry) returns box language sql immutable strict
begin atomic
    select box(point(min(x), min(y)), point(max(x), max(y))) from geometry_points($1);
end;
create function geometry_middle(geometry) returns point language sql immutable strict
begin atomic
    select point(avg(x), avg(y)) from geometry_points($1);
end;
create function geometry_drawn(box, integer) returns geometry language sql immutable strict
return (case $2 when 0 then '' else format('SRID=%s;', $2) end || format(
    'POLYGON((%1$s %2$s,%1$s %4$s,%3$s %4$s,%3$s %2$s,%1$s %2$s))',
    ($1[1])[0], ($1[1])[1], ($1[0])[0], ($1[0])[1]
))::geometry;
create function geometry_overlaps(geometry, geometry) returns boolean language sql immutable strict
return geometry_box($1) && geometry_box($2);
create function geography_overlaps(geography, geography) returns boolean language sql immutable strict
return geometry_box($1::geometry) && geometry_box($2::geometry);
create function geometry_contains(geometry, geometry) returns boolean language sql immutable strict
return geometry_box($1) @> geometry_box($2);
create function geometry_within(geometry, geometry) returns boolean language sql immutable strict
return geometry_box($1) <@ geometry_box($2);

create function st_srid(geometry) returns integer language sql immutable strict
return coalesce(substring($1::text from '^[sS][rR][iI][dD]=(\d+)')::integer, 0);
create function st_setsrid(geometry, integer) returns geometry language sql immutable strict
return (format('SRID=%s;', $2) || regexp_replace($1::text, '^srid=\d+;', '', 'i'))::geometry;
create function st_makepoint(double precision, double precision) returns geometry language sql immutable strict
return format('POINT(%s %s)', $1, $2)::geometry;
create function st_makepoint(double precision, double precision, double precision) returns geometry
language sql immutable strict return format('POINT Z (%s %s %s)', $1, $2, $3)::geometry;
create function st_point(double precision, double precision) returns geometry language sql immutable strict
return st_makepoint($1, $2);
create function st_point(double precision, double precision, integer) returns geometry language sql immutable strict
return st_setsrid(st_makepoint($1, $2), $3);
create function st_makeenvelope(
    double precision, double precision, double precision, double precision, integer default 0
) returns geometry language sql immutable strict return geometry_drawn(box(point($1, $2), point($3, $4)), $5);
create function st_makebox2d(geometry, geometry) returns box2d language sql immutable strict
return geometry_drawn(box(geometry_middle($1), geometry_middle($2)), 0)::box2d;
create function st_tileenvelope(integer, integer, integer) returns geometry language sql immutable strict
return st_makeenvelope(
    -20037508.342789 + $2 * 40075016.685578 / (1 << $1), 20037508.342789 - ($3 + 1) * 40075016.685578 / (1 << $1),
    -20037508.342789 + ($2 + 1) * 40075016.685578 / (1 << $1), 20037508.342789 - $3 * 40075016.685578 / (1 << $1), 3857
);
create function st_geomfromgeojson(jsonb) returns geometry language sql immutable strict
return st_setsrid((upper($1 ->> 'type') || case $1 ->> 'type' when 'Point' then '(' else '' end || translate(
    replace(regexp_replace(
        ($1 -> 'coordinates')::text,
        '\[(-?[0-9.]+(?:e[-+]?\d+)?), (-?[0-9.]+(?:e[-+]?\d+)?)[^\]]*\]', '\1 \2', 'gi'
    ), ', ', ','), '[]', '()'
) || case $1 ->> 'type' when 'Point' then ')' else '' end)::geometry, 4326);
create function st_geomfromgeojson(json) returns geometry language sql immutable strict
return st_geomfromgeojson($1::jsonb);
create function st_geomfromgeojson(text) returns geometry language sql immutable strict
return st_geomfromgeojson($1::jsonb);

create function st_geometrytype(geometry) returns text language sql immutable strict
return 'ST_' || replace(replace(replace(replace(
    initcap(substring($1::text from '^(?:[^;]*;)?\s*([a-zA-Z]+)')), 'Multi', 'Multi '), 'string', 'String'),
    'collection', 'Collection'), ' ', '');
create function geometrytype(geometry) returns text language sql immutable strict
return upper(substring($1::text from '^(?:[^;]*;)?\s*([a-zA-Z]+)'));
create function st_x(geometry) returns double precision language sql immutable strict
return case when geometrytype($1) = 'POINT' then (geometry_middle($1))[0] end;
create function st_y(geometry) returns double precision language sql immutable strict
return case when geometrytype($1) = 'POINT' then (geometry_middle($1))[1] end;
create function st_npoints(geometry) returns integer language sql immutable strict
begin atomic
    select count(*)::integer from geometry_points($1);
end;
create function st_isempty(geometry) returns boolean language sql immutable strict
return st_npoints($1) = 0;
create function st_isvalid(geometry) returns boolean language sql immutable strict return true;
create function st_centroid(geometry) returns geometry language sql immutable strict
return st_setsrid(st_makepoint((geometry_middle($1))[0], (geometry_middle($1))[1]), st_srid($1));
create function st_pointonsurface(geometry) returns geometry language sql immutable strict return st_centroid($1);
create function st_envelope(geometry) returns geometry language sql immutable strict
return geometry_drawn(geometry_box($1), st_srid($1));
create function st_xmin(geometry) returns double precision language sql immutable strict
return ((geometry_box($1))[1])[0];
create function st_xmax(geometry) returns double precision language sql immutable strict
return ((geometry_box($1))[0])[0];
create function st_ymin(geometry) returns double precision language sql immutable strict
return ((geometry_box($1))[1])[1];
create function st_ymax(geometry) returns double precision language sql immutable strict
return ((geometry_box($1))[0])[1];
create function st_distance(geometry, geometry) returns double precision language sql immutable strict
return geometry_middle($1) <-> geometry_middle($2);
create function st_distancesphere(geometry, geometry) returns double precision language sql immutable strict
begin atomic
    select 2 * 6371008.77 * asin(sqrt(least(1, sind((two[1] - one[1]) / 2) ^ 2
        + cosd(one[1]) * cosd(two[1]) * sind((two[0] - one[0]) / 2) ^ 2)))
    from (select geometry_middle($1) as one, geometry_middle($2) as two) as both_;
end;
create function st_distance(geography, geography, boolean default true) returns double precision
language sql immutable strict return st_distancesphere($1::geometry, $2::geometry);
create function st_dwithin(geometry, geometry, double precision) returns boolean language sql immutable strict
return st_distance($1, $2) <= $3;
create function st_dwithin(geography, geography, double precision, boolean default true) returns boolean
language sql immutable strict return st_distance($1, $2) <= $3;
create function st_azimuth(geometry, geometry) returns double precision language sql immutable strict
return atan2(st_x($2) - st_x($1), st_y($2) - st_y($1));
create function st_area(geometry) returns double precision language sql immutable strict
return case when geometrytype($1) like '%POLYGON' then area(geometry_box($1)) else 0 end;
create function st_length(geometry) returns double precision language sql immutable strict
return case when geometrytype($1) like '%LINESTRING' then @-@ diagonal(geometry_box($1)) else 0 end;
