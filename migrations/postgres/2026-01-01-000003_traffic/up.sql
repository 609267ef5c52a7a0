-- The traffic of each hour. With TimescaleDB, the server replaces the tables with continuous aggregates of the same
-- names and columns; otherwise it maintains the tables itself. They outlive the rows that they were computed from.
CREATE TABLE traffic_by_country (
    hour           timestamptz NOT NULL,
    origin_country text,
    states         bigint NOT NULL,
    aircraft       bigint NOT NULL
);

-- No primary key, because the country may be NULL.
CREATE UNIQUE INDEX traffic_by_country_key ON traffic_by_country (hour, coalesce(origin_country, ''));

CREATE TABLE traffic_by_cell (
    hour     timestamptz NOT NULL,
    lat      smallint NOT NULL,
    lon      smallint NOT NULL,
    states   bigint NOT NULL,
    aircraft bigint NOT NULL,
    PRIMARY KEY (hour, lat, lon)
);

COMMENT ON TABLE traffic_by_country IS 'State vectors of each hour by the country that the address is registered in.';
COMMENT ON COLUMN traffic_by_country.hour IS 'The beginning of the hour of last_contact, UTC.';
COMMENT ON COLUMN traffic_by_country.origin_country IS 'As in state_vectors; NULL where it is unknown.';
COMMENT ON COLUMN traffic_by_country.states IS 'State vectors in the hour, a count.';
COMMENT ON COLUMN traffic_by_country.aircraft IS 'Different aircraft in the hour, a count.';
COMMENT ON TABLE traffic_by_cell IS 'State vectors of each hour that have a position, by cells of 5 by 5 degrees.';
COMMENT ON COLUMN traffic_by_cell.hour IS 'The beginning of the hour of last_contact, UTC.';
COMMENT ON COLUMN traffic_by_cell.lat IS 'WGS-84 latitude of the cell''s southern edge in whole degrees north, -90 to 85.';
COMMENT ON COLUMN traffic_by_cell.lon IS 'WGS-84 longitude of the cell''s western edge in whole degrees east, -180 to 175.';
COMMENT ON COLUMN traffic_by_cell.states IS 'State vectors in the hour and cell, a count.';
COMMENT ON COLUMN traffic_by_cell.aircraft IS 'Different aircraft in the hour and cell, a count.';

-- Bounded in time: the newest row of each aircraft over everything would have to visit every aircraft ever seen.
CREATE VIEW latest_states AS
SELECT DISTINCT ON (icao24) * FROM state_vectors
WHERE last_contact > now() - INTERVAL '15 minutes'
ORDER BY icao24, last_contact DESC;

COMMENT ON VIEW latest_states IS 'The newest state of each aircraft that was heard in the last 15 minutes; columns as in state_vectors.';
