-- Callsigns are searched for without regard to case.
DROP INDEX flights_callsign;
CREATE INDEX flights_callsign ON flights (upper(callsign), first_seen);
