//! The table `source_polls`: written by storing transactions, and read for the coverage.

use actors::domain::PollRecord;
use diesel::sql_types::{BigInt, Text};
use tokio_postgres::Transaction;

use super::connection::PostgresDatabase;
use crate::storage::error::QueryError;
use crate::storage::polls::{LedgerSource, PollQuery, StoredPoll, bigint, records};

const INSERT: &str = r#"
INSERT INTO source_polls (source, started, process, kind, outcome, ended, polls, states, changed, bad_rows, seconds,
    credits_left, "interval", next_poll_at, area)
SELECT source, to_timestamp(started / 1000.0), process, kind, outcome, to_timestamp(ended / 1000.0), polls, states,
    changed, bad_rows, seconds, credits_left, every, to_timestamp(next_poll_at / 1000.0), area
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::bigint[], $10::bigint[], $11::float8[], $12::bigint[], $13::float8[], $14::bigint[], $15::text[])
    AS poll (source, started, process, kind, outcome, ended, polls, states, changed, bad_rows, seconds, credits_left,
        every, next_poll_at, area)
ON CONFLICT (source, started, process) DO NOTHING"#;

/// Deletes records that started before a time in Unix milliseconds.
pub(super) const EXPIRE: &str = "DELETE FROM source_polls WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM source_polls WHERE started < to_timestamp($1::bigint / 1000.0) ORDER BY started LIMIT $2::bigint))";

/// Skips from one source to the next in the primary key.
const SOURCES: &str = "
WITH RECURSIVE found (source) AS (
    SELECT min(source) FROM source_polls
    UNION ALL
    SELECT (SELECT min(source) FROM source_polls WHERE source > found.source) FROM found WHERE source IS NOT NULL
)
SELECT source, (
    SELECT (extract(epoch FROM min(started)) * 1000)::bigint FROM source_polls WHERE source_polls.source = found.source
) AS since
FROM found WHERE source IS NOT NULL";

const SELECT: &str = r#"
SELECT source, (extract(epoch FROM started) * 1000)::bigint AS started, process, kind, outcome,
    (extract(epoch FROM ended) * 1000)::bigint AS ended, polls, states, changed, bad_rows, seconds, credits_left,
    "interval", (extract(epoch FROM next_poll_at) * 1000)::bigint AS next_poll_at, area
FROM source_polls
WHERE source = $1 AND (started, process) > (to_timestamp($2 / 1000.0), $3) AND started < to_timestamp($4 / 1000.0)
    AND coalesce(next_poll_at, ended) >= to_timestamp($5 / 1000.0)
ORDER BY started, process LIMIT $6"#;

/// Inserts records, and returns how many were not in the table before.
pub(super) async fn insert_polls(
    transaction: &Transaction<'_>,
    polls: &[&PollRecord],
) -> Result<u64, tokio_postgres::Error> {
    fn column<T>(polls: &[&PollRecord], value: impl Fn(&PollRecord) -> T) -> Vec<T> {
        polls.iter().map(|poll| value(poll)).collect()
    }
    let texts = |value: fn(&PollRecord) -> &str| polls.iter().map(|poll| value(poll)).collect::<Vec<&str>>();
    let (sources, processes) = (texts(|poll| &poll.source), texts(|poll| &poll.process));
    let (kinds, outcomes) = (texts(|poll| &poll.kind), texts(|poll| poll.outcome.name()));
    let areas: Vec<Option<&str>> = polls.iter().map(|poll| poll.area.as_deref()).collect();
    let started = column(polls, |poll| poll.started.0);
    let ended = column(polls, |poll| poll.ended.0);
    let counts = column(polls, |poll| i64::from(poll.polls));
    let states = column(polls, |poll| bigint(poll.states));
    let changed = column(polls, |poll| bigint(poll.changed));
    let bad_rows = column(polls, |poll| bigint(poll.bad_rows));
    let seconds = column(polls, |poll| poll.seconds);
    let credits_left = column(polls, |poll| poll.credits_left.map(i64::from));
    let intervals = column(polls, |poll| poll.interval);
    let next_polls = column(polls, |poll| poll.next_poll_at.map(|time| time.0));
    transaction
        .execute(
            INSERT,
            &[
                &sources,
                &started,
                &processes,
                &kinds,
                &outcomes,
                &ended,
                &counts,
                &states,
                &changed,
                &bad_rows,
                &seconds,
                &credits_left,
                &intervals,
                &next_polls,
                &areas,
            ],
        )
        .await
}

impl PostgresDatabase {
    pub(in crate::storage) async fn polled_sources(&self) -> Result<Vec<LedgerSource>, QueryError> {
        use diesel_async::RunQueryDsl as _;
        self.query(async |connection| diesel::sql_query(SOURCES).load::<LedgerSource>(connection).await).await
    }

    pub(in crate::storage) async fn polls(&self, query: &PollQuery) -> Result<Vec<PollRecord>, QueryError> {
        use diesel_async::RunQueryDsl as _;
        let (started, process) = query.first_key();
        let rows = self
            .query(async |connection| {
                diesel::sql_query(SELECT)
                    .bind::<Text, _>(&query.source)
                    .bind::<BigInt, _>(started)
                    .bind::<Text, _>(process)
                    .bind::<BigInt, _>(query.end())
                    .bind::<BigInt, _>(query.earliest_plan())
                    .bind::<BigInt, _>(i64::from(query.limit))
                    .load::<StoredPoll>(connection)
                    .await
            })
            .await?;
        records(rows)
    }
}
