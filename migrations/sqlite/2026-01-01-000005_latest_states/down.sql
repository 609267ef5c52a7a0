DROP VIEW latest_states;

CREATE VIEW latest_states AS
SELECT state_vectors.* FROM (
    SELECT icao24, max(last_contact) AS last_contact FROM state_vectors WHERE last_contact > unixepoch() - 900 GROUP BY icao24
) AS newest JOIN state_vectors USING (icao24, last_contact);
