-- The position up to which each partition of each log is stored, advanced in the transaction that inserts the rows.
-- log is Kafka's cluster id; next_offset is the offset of the first record that is not stored; last_timestamp is the
-- timestamp of the record before it, in Unix milliseconds.
CREATE TABLE ingest_position (
    log            TEXT NOT NULL,
    topic          TEXT NOT NULL,
    "partition"    INTEGER NOT NULL,
    next_offset    INTEGER NOT NULL,
    last_timestamp INTEGER NOT NULL,
    PRIMARY KEY (log, topic, "partition")
) STRICT, WITHOUT ROWID;
