-- Moves the rows back. The earlier table is gone if all of its rows were moved.
CREATE TABLE IF NOT EXISTS state_vectors_unscaled (
    icao24          text COLLATE "C" NOT NULL,
    last_contact    timestamptz NOT NULL,
    time_position   timestamptz,
    observed_at     timestamptz,
    lat             double precision,
    lon             double precision,
    baro_altitude   double precision,
    geo_altitude    double precision,
    velocity        double precision,
    true_track      double precision,
    vertical_rate   double precision,
    position_source smallint,
    category        smallint,
    on_ground       boolean,
    spi             boolean,
    callsign        text,
    squawk          text,
    origin_country  text,
    CONSTRAINT state_vectors_unscaled_pkey PRIMARY KEY (icao24, last_contact)
);
CREATE INDEX IF NOT EXISTS state_vectors_unscaled_last_contact ON state_vectors_unscaled USING brin (last_contact)
WITH (pages_per_range = 32);

INSERT INTO state_vectors_unscaled (icao24, last_contact, time_position, observed_at, lat, lon, baro_altitude,
    geo_altitude, velocity, true_track, vertical_rate, position_source, category, on_ground, spi, callsign, squawk,
    origin_country)
SELECT icao24, last_contact, last_contact + time_position * INTERVAL '1 second',
    last_contact + observed_at * INTERVAL '1 second', lat / 1e6::float8, lon / 1e6::float8, baro_altitude / 100::float8,
    geo_altitude / 100::float8, velocity / 100::float8, true_track / 100::float8, vertical_rate / 100::float8,
    position_source, category, on_ground, spi, callsign, squawk, origin_country
FROM state_vectors_scaled ON CONFLICT DO NOTHING;

-- Turns the continuous aggregates of the table into plain tables with the same rows, since the table is replaced. The
-- program turns them into continuous aggregates of the new one.
DO $$
DECLARE
    name text;
    statement text;
BEGIN
    FOREACH name IN ARRAY ARRAY['traffic_by_cell', 'traffic_by_country'] LOOP
        IF (SELECT relkind FROM pg_class WHERE oid = name::regclass) = 'v' THEN
            EXECUTE format('CREATE TABLE %I AS SELECT * FROM %I', name || '_detached', name);
            FOR statement IN
                SELECT format('COMMENT ON COLUMN %I.%I IS %L', name || '_detached', attname,
                    col_description(attrelid, attnum))
                FROM pg_attribute WHERE attrelid = name::regclass AND attnum > 0
                UNION ALL
                SELECT format('COMMENT ON TABLE %I IS %L', name || '_detached',
                    obj_description(name::regclass, 'pg_class'))
            LOOP
                EXECUTE statement;
            END LOOP;
            EXECUTE format('DROP MATERIALIZED VIEW %I', name);
            EXECUTE format('ALTER TABLE %I RENAME TO %I', name || '_detached', name);
            IF name = 'traffic_by_cell' THEN
                ALTER TABLE traffic_by_cell ADD PRIMARY KEY (hour, lat, lon);
            ELSE
                CREATE UNIQUE INDEX traffic_by_country_key ON traffic_by_country (hour, coalesce(origin_country, ''));
            END IF;
        END IF;
    END LOOP;
END $$;

DROP VIEW IF EXISTS latest_states;
DROP VIEW IF EXISTS state_vectors;
DROP TABLE state_vectors_scaled;

ALTER TABLE state_vectors_unscaled RENAME TO state_vectors;
ALTER INDEX state_vectors_unscaled_pkey RENAME TO state_vectors_pkey;
ALTER INDEX state_vectors_unscaled_last_contact RENAME TO state_vectors_last_contact;

CREATE VIEW latest_states AS
SELECT * FROM state_vectors AS state
WHERE last_contact > now() - INTERVAL '15 minutes' AND NOT EXISTS (
    SELECT FROM state_vectors AS newer
    WHERE newer.icao24 = state.icao24 AND newer.last_contact > state.last_contact
        AND newer.last_contact > now() - INTERVAL '15 minutes'
);
