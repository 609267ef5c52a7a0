-- The traffic of each hour, maintained by the server; it outlives the rows that it was computed from. hour is the start
-- of the hour of last_contact in Unix seconds; states and aircraft count state vectors and distinct aircraft.
-- origin_country is NULL if it is unknown.
CREATE TABLE traffic_by_country (
    hour           INTEGER NOT NULL,
    origin_country TEXT,
    states         INTEGER NOT NULL,
    aircraft       INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX traffic_by_country_key ON traffic_by_country (hour, coalesce(origin_country, ''));

-- By cell of 5 by 5 degrees: lat and lon are the southern and western edge of the cell in whole degrees.
CREATE TABLE traffic_by_cell (
    hour     INTEGER NOT NULL,
    lat      INTEGER NOT NULL,
    lon      INTEGER NOT NULL,
    states   INTEGER NOT NULL,
    aircraft INTEGER NOT NULL,
    PRIMARY KEY (hour, lat, lon)
) STRICT, WITHOUT ROWID;

-- The newest state of each aircraft that was heard in the last 15 minutes.
CREATE VIEW latest_states AS
SELECT state_vectors.* FROM (
    SELECT icao24, max(last_contact) AS last_contact FROM state_vectors WHERE last_contact > unixepoch() - 900 GROUP BY icao24
) AS newest JOIN state_vectors USING (icao24, last_contact);
