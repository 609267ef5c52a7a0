-- Every state vector, once for each aircraft and time of last contact; unknown is NULL, never 0.
-- Times are whole Unix seconds; the other units are those of OpenSky's REST API: degrees, metres, metres per second.
-- The rows lie in the order in which they came. In the order of the key (WITHOUT ROWID) every row of a poll would touch
-- a page of its own: measured, twice the work.
CREATE TABLE state_vectors (
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

CREATE INDEX state_vectors_last_contact ON state_vectors (last_contact);
