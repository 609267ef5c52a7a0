-- Flights, derived from state_vectors after they were stored. Flights in progress are included as far as they are
-- known; half-full pages keep their updates within the page.
CREATE TABLE flights (
    icao24           text COLLATE "C" NOT NULL,
    first_seen       timestamptz NOT NULL,
    last_seen        timestamptz NOT NULL,
    first_lat        double precision,
    first_lon        double precision,
    last_lat         double precision,
    last_lon         double precision,
    distance         double precision NOT NULL,
    highest_altitude double precision,
    states           bigint NOT NULL,
    landed           boolean NOT NULL,
    callsign         text,
    PRIMARY KEY (icao24, first_seen)
) WITH (fillfactor = 70);

CREATE INDEX flights_first_seen ON flights (first_seen, icao24);
CREATE INDEX flights_callsign ON flights (callsign, first_seen);

COMMENT ON TABLE flights IS 'Consecutive states of one aircraft in the air; a gap, a landing or another callsign ends a flight.';
COMMENT ON COLUMN flights.icao24 IS 'ICAO 24-bit address, six lower-case hex digits.';
COMMENT ON COLUMN flights.first_seen IS 'last_contact of the first state, to the second.';
COMMENT ON COLUMN flights.last_seen IS 'last_contact of the last state, to the second.';
COMMENT ON COLUMN flights.first_lat IS 'WGS-84 latitude of the first known position in degrees north, -90 to 90.';
COMMENT ON COLUMN flights.first_lon IS 'WGS-84 longitude of the first known position in degrees east, -180 to 180.';
COMMENT ON COLUMN flights.last_lat IS 'WGS-84 latitude of the last known position in degrees north, -90 to 90.';
COMMENT ON COLUMN flights.last_lon IS 'WGS-84 longitude of the last known position in degrees east, -180 to 180.';
COMMENT ON COLUMN flights.distance IS 'Sum of the great circles between successive positions in metres.';
COMMENT ON COLUMN flights.highest_altitude IS 'In metres: barometric, or geometric where a state has no barometric one.';
COMMENT ON COLUMN flights.states IS 'State vectors that the flight is made of, a count.';
COMMENT ON COLUMN flights.landed IS 'Whether it ended with a state on the ground.';
COMMENT ON COLUMN flights.callsign IS 'The first one that was sent.';

-- The position up to which flights and traffic are derived: they include the rows before `through`, except those that
-- are recorded below. A storing transaction locks this table in ROW SHARE mode and records the rows that it inserts
-- before `through`; a summarizing step locks it in EXCLUSIVE mode. NULL until the first row is stored.
CREATE TABLE derived_cursor (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    through timestamptz
);

INSERT INTO derived_cursor (through) SELECT date_trunc('hour', min(last_contact), 'UTC') FROM state_vectors;

CREATE TABLE derived_late_aircraft (
    icao24 text COLLATE "C" PRIMARY KEY,
    oldest timestamptz NOT NULL,
    newest timestamptz NOT NULL
);

CREATE TABLE derived_late_hours (
    hour timestamptz PRIMARY KEY
);

COMMENT ON TABLE derived_cursor IS 'How far flights and the tables of traffic have followed state_vectors.';
COMMENT ON COLUMN derived_cursor.one IS 'There is one row.';
COMMENT ON COLUMN derived_cursor.through IS 'Rows whose last_contact lies before it are in them.';
COMMENT ON TABLE derived_late_aircraft IS 'Aircraft that got rows behind the cursor: their flights are to be made anew.';
COMMENT ON COLUMN derived_late_aircraft.icao24 IS 'ICAO 24-bit address, six lower-case hex digits.';
COMMENT ON COLUMN derived_late_aircraft.oldest IS 'last_contact of the oldest of these rows, to the second.';
COMMENT ON COLUMN derived_late_aircraft.newest IS 'last_contact of the newest of these rows, to the second.';
COMMENT ON TABLE derived_late_hours IS 'Hours that got rows behind the cursor: their traffic is to be counted anew.';
COMMENT ON COLUMN derived_late_hours.hour IS 'The beginning of the hour, UTC.';
