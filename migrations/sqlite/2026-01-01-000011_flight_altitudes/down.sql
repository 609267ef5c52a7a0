ALTER TABLE flights DROP COLUMN last_altitude;
ALTER TABLE flights DROP COLUMN first_altitude;
