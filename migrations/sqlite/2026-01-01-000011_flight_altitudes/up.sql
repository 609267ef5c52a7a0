-- The altitudes at the first and the last known position, from which the airports of a flight follow; NULL in flights of
-- earlier versions.
ALTER TABLE flights ADD COLUMN first_altitude REAL;
ALTER TABLE flights ADD COLUMN last_altitude REAL;
