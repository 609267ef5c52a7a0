-- The outcome of each poll of a source, or of several consecutive ones with the same outcome. started, ended and
-- next_poll_at are Unix milliseconds; seconds and interval are seconds; states, changed and bad_rows are counts.
CREATE TABLE source_polls (
    source       TEXT NOT NULL,
    started      INTEGER NOT NULL,
    process      TEXT NOT NULL,
    kind         TEXT NOT NULL,
    outcome      TEXT NOT NULL,
    ended        INTEGER NOT NULL,
    polls        INTEGER NOT NULL,
    states       INTEGER NOT NULL,
    changed      INTEGER NOT NULL,
    bad_rows     INTEGER NOT NULL,
    seconds      REAL NOT NULL,
    credits_left INTEGER,
    interval     REAL NOT NULL,
    next_poll_at INTEGER,
    area         TEXT,
    PRIMARY KEY (source, started, process)
) STRICT, WITHOUT ROWID;

-- For the retention.
CREATE INDEX source_polls_started ON source_polls (started);
