-- Moves the rows back. The earlier table is gone if all of its rows were moved.
CREATE TABLE IF NOT EXISTS state_vectors_unscaled (
    icao24          TEXT NOT NULL,
    last_contact    INTEGER NOT NULL,
    time_position   INTEGER,
    observed_at     INTEGER,
    lat             REAL,
    lon             REAL,
    baro_altitude   REAL,
    geo_altitude    REAL,
    velocity        REAL,
    true_track      REAL,
    vertical_rate   REAL,
    position_source INTEGER,
    category        INTEGER,
    on_ground       INTEGER,
    spi             INTEGER,
    callsign        TEXT,
    squawk          TEXT,
    origin_country  TEXT,
    PRIMARY KEY (icao24, last_contact)
) STRICT;

INSERT OR IGNORE INTO state_vectors_unscaled
SELECT icao24, last_contact, last_contact + time_position, last_contact + observed_at, lat / 1e6, lon / 1e6,
    baro_altitude / 100.0, geo_altitude / 100.0, velocity / 100.0, true_track / 100.0, vertical_rate / 100.0,
    position_source, category, on_ground, spi, callsign, squawk, origin_country
FROM state_vectors_scaled;

DROP VIEW IF EXISTS latest_states;
DROP VIEW IF EXISTS state_vectors;
DROP TABLE state_vectors_scaled;

ALTER TABLE state_vectors_unscaled RENAME TO state_vectors;
CREATE INDEX state_vectors_last_contact ON state_vectors (last_contact);

CREATE VIEW latest_states AS
SELECT * FROM state_vectors AS state
WHERE last_contact > unixepoch() - 900 AND NOT EXISTS (
    SELECT 1 FROM state_vectors AS newer WHERE newer.icao24 = state.icao24 AND newer.last_contact > state.last_contact
);
