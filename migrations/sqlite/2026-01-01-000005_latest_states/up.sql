-- The same rows as before, but checks for each row of the 15 minutes whether a newer one exists, so that a condition on
-- the position is applied first. Grouping by aircraft first read the whole index by aircraft, regardless of how much is
-- stored.
DROP VIEW latest_states;

CREATE VIEW latest_states AS
SELECT * FROM state_vectors AS state
WHERE last_contact > unixepoch() - 900 AND NOT EXISTS (
    SELECT 1 FROM state_vectors AS newer WHERE newer.icao24 = state.icao24 AND newer.last_contact > state.last_contact
);
