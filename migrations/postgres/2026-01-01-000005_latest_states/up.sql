-- The same rows, by asking of each row whether there is a newer one: so a condition on the place is met before that, and
-- only what is there is asked about. Sorting every row of the 15 minutes first took several times as long.
CREATE OR REPLACE VIEW latest_states AS
SELECT * FROM state_vectors AS state
WHERE last_contact > now() - INTERVAL '15 minutes' AND NOT EXISTS (
    SELECT FROM state_vectors AS newer
    WHERE newer.icao24 = state.icao24 AND newer.last_contact > state.last_contact
        AND newer.last_contact > now() - INTERVAL '15 minutes'
);
