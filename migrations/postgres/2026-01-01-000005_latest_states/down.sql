CREATE OR REPLACE VIEW latest_states AS
SELECT DISTINCT ON (icao24) * FROM state_vectors
WHERE last_contact > now() - INTERVAL '15 minutes'
ORDER BY icao24, last_contact DESC;
