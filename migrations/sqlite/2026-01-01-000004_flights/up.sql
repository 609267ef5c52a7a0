-- Flights, derived from state_vectors after they were stored; flights in progress are included as far as they are
-- known. A gap, a landing or another callsign ends a flight. Times are Unix seconds of last_contact, positions WGS-84
-- degrees, distance and highest_altitude metres, states a count of state vectors.
CREATE TABLE flights (
    icao24           TEXT NOT NULL,
    first_seen       INTEGER NOT NULL,
    last_seen        INTEGER NOT NULL,
    first_lat        REAL,
    first_lon        REAL,
    last_lat         REAL,
    last_lon         REAL,
    distance         REAL NOT NULL,
    highest_altitude REAL,
    states           INTEGER NOT NULL,
    landed           INTEGER NOT NULL,
    callsign         TEXT,
    PRIMARY KEY (icao24, first_seen)
) STRICT, WITHOUT ROWID;

CREATE INDEX flights_first_seen ON flights (first_seen, icao24);
CREATE INDEX flights_callsign ON flights (callsign, first_seen);

-- The position up to which flights and traffic are derived: they include the rows before `through`, except those that
-- are recorded below. NULL until the first row is stored.
CREATE TABLE derived_cursor (
    one     INTEGER PRIMARY KEY DEFAULT 1 CHECK (one = 1),
    through INTEGER
) STRICT;

INSERT INTO derived_cursor (through) SELECT min(last_contact) - (min(last_contact) % 3600 + 3600) % 3600 FROM state_vectors;

-- Aircraft with rows that were stored before the cursor, and the oldest and newest last_contact of these rows.
CREATE TABLE derived_late_aircraft (
    icao24 TEXT PRIMARY KEY,
    oldest INTEGER NOT NULL,
    newest INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Hours with rows that were stored before the cursor.
CREATE TABLE derived_late_hours (
    hour INTEGER PRIMARY KEY
) STRICT;
