-- The alerts: an aircraft meets the condition of a rule.
CREATE TABLE alerts (
    rule     text COLLATE "C" NOT NULL,
    icao24   text COLLATE "C" NOT NULL,
    since    timestamptz NOT NULL,
    ended    timestamptz,
    detail   text NOT NULL,
    callsign text,
    lat      double precision,
    lon      double precision,
    state    jsonb NOT NULL,
    PRIMARY KEY (rule, icao24, since)
);

-- For lists of the newest, and for the retention.
CREATE INDEX alerts_since ON alerts (since, rule, icao24);
CREATE INDEX alerts_icao24 ON alerts (icao24, since);

COMMENT ON TABLE alerts IS 'The alerts: an aircraft meets the condition of a rule.';
COMMENT ON COLUMN alerts.rule IS 'The name of the rule.';
COMMENT ON COLUMN alerts.icao24 IS 'The ICAO address, six hex digits.';
COMMENT ON COLUMN alerts.since IS 'When the aircraft first met the condition: last_contact of that state.';
COMMENT ON COLUMN alerts.ended IS 'When the alert ended; NULL until its end is stored.';
COMMENT ON COLUMN alerts.detail IS 'The condition that is met, in words.';
COMMENT ON COLUMN alerts.callsign IS 'The callsign at the beginning.';
COMMENT ON COLUMN alerts.lat IS 'Degrees north, at the beginning.';
COMMENT ON COLUMN alerts.lon IS 'Degrees east, at the beginning.';
COMMENT ON COLUMN alerts.state IS 'The state vector at the beginning, as JSON.';
