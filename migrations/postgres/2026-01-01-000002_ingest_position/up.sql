-- The position up to which each partition of each log is stored, advanced in the transaction that inserts the rows.
-- Half-full pages keep the updates of these few rows within their pages.
CREATE TABLE ingest_position (
    log            text COLLATE "C" NOT NULL,
    topic          text COLLATE "C" NOT NULL,
    partition      integer NOT NULL,
    next_offset    bigint NOT NULL,
    last_timestamp bigint NOT NULL,
    PRIMARY KEY (log, topic, partition)
) WITH (fillfactor = 50);

COMMENT ON TABLE ingest_position IS 'How far each partition was stored; moved in the transaction that inserts the rows.';
COMMENT ON COLUMN ingest_position.log IS 'Kafka''s cluster id.';
COMMENT ON COLUMN ingest_position.topic IS 'The topic''s name.';
COMMENT ON COLUMN ingest_position.partition IS 'The partition''s number.';
COMMENT ON COLUMN ingest_position.next_offset IS 'Offset of the first record that was not stored.';
COMMENT ON COLUMN ingest_position.last_timestamp IS 'Milliseconds since 1970 of the record before it.';
