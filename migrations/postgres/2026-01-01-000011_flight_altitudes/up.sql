-- The altitudes at the first and the last known position, from which the airports of a flight follow; NULL in flights of
-- earlier versions.
ALTER TABLE flights ADD COLUMN first_altitude double precision;
ALTER TABLE flights ADD COLUMN last_altitude double precision;
COMMENT ON COLUMN flights.first_altitude IS 'In metres, at the first known position.';
COMMENT ON COLUMN flights.last_altitude IS 'In metres, at the last known position.';
