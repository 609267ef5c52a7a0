-- How far each partition of each log was stored: the truth about it, moved in the transaction that inserts the rows.
-- log is Kafka's cluster id; next_offset is of the first record that was not stored; last_timestamp is in
-- milliseconds since 1970, of the record before it.
CREATE TABLE ingest_position (
    log            TEXT NOT NULL,
    topic          TEXT NOT NULL,
    "partition"    INTEGER NOT NULL,
    next_offset    INTEGER NOT NULL,
    last_timestamp INTEGER NOT NULL,
    PRIMARY KEY (log, topic, "partition")
) STRICT, WITHOUT ROWID;
