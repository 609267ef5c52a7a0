-- The outcome of each poll of a source, or of several consecutive ones with the same outcome.
CREATE TABLE source_polls (
    source       text COLLATE "C" NOT NULL,
    started      timestamptz NOT NULL,
    process      text COLLATE "C" NOT NULL,
    kind         text NOT NULL,
    outcome      text NOT NULL,
    ended        timestamptz NOT NULL,
    polls        bigint NOT NULL,
    states       bigint NOT NULL,
    changed      bigint NOT NULL,
    bad_rows     bigint NOT NULL,
    seconds      double precision NOT NULL,
    credits_left bigint,
    "interval"   double precision NOT NULL,
    next_poll_at timestamptz,
    area         text,
    PRIMARY KEY (source, started, process)
);

-- For the retention.
CREATE INDEX source_polls_started ON source_polls (started);

COMMENT ON TABLE source_polls IS 'The outcome of each poll of a source, or of several consecutive ones with the same outcome.';
COMMENT ON COLUMN source_polls.source IS 'The name of the source.';
COMMENT ON COLUMN source_polls.started IS 'When the first poll started.';
COMMENT ON COLUMN source_polls.process IS 'The process that polled; random at each start.';
COMMENT ON COLUMN source_polls.kind IS 'The kind of the source.';
COMMENT ON COLUMN source_polls.outcome IS 'live, quiet, stale, malformed, rate_limited, refused, unavailable or paused.';
COMMENT ON COLUMN source_polls.ended IS 'When the last poll ended.';
COMMENT ON COLUMN source_polls.polls IS 'The number of polls; 0 while polling is paused.';
COMMENT ON COLUMN source_polls.states IS 'Aircraft that the source reported last, a count.';
COMMENT ON COLUMN source_polls.changed IS 'Published states, a count.';
COMMENT ON COLUMN source_polls.bad_rows IS 'Rows that are not valid states, a count.';
COMMENT ON COLUMN source_polls.seconds IS 'The duration of the slowest request in seconds.';
COMMENT ON COLUMN source_polls.credits_left IS 'Credits left, if the source reports them.';
COMMENT ON COLUMN source_polls."interval" IS 'The interval at which the source is polled while it answers, in seconds.';
COMMENT ON COLUMN source_polls.next_poll_at IS 'When the next poll is planned; NULL if none is.';
COMMENT ON COLUMN source_polls.area IS 'The bounding box that is polled; NULL for everything that the source reports.';
