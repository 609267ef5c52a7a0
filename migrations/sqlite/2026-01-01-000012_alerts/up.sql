-- The alerts: an aircraft meets the condition of a rule. since and ended are Unix seconds, ended is NULL until the end is
-- stored; callsign, lat (degrees north), lon (degrees east) and state (JSON) are those of the first state that met the
-- condition.
CREATE TABLE alerts (
    rule     TEXT NOT NULL,
    icao24   TEXT NOT NULL,
    since    INTEGER NOT NULL,
    ended    INTEGER,
    detail   TEXT NOT NULL,
    callsign TEXT,
    lat      REAL,
    lon      REAL,
    state    TEXT NOT NULL,
    PRIMARY KEY (rule, icao24, since)
) STRICT;

-- For lists of the newest, and for the retention.
CREATE INDEX alerts_since ON alerts (since, rule, icao24);
CREATE INDEX alerts_icao24 ON alerts (icao24, since);
