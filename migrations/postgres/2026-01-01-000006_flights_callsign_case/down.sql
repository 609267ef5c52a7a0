DROP INDEX flights_callsign;
CREATE INDEX flights_callsign ON flights (callsign, first_seen);
