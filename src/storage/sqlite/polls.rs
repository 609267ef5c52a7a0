//! The table `source_polls`: written by storing transactions, read for the coverage, and expired by the maintenance.

use actors::domain::{PollRecord, UnixMillis, UnixTime};
use diesel::QueryResult;
use diesel::sql_types::{BigInt, Double, Nullable, Text};
use diesel::sqlite::SqliteConnection;

use super::connection::SqliteDatabase;
use crate::storage::error::QueryError;
use crate::storage::polls::{LedgerSource, PollQuery, StoredPoll, bigint, records, storable};

const INSERT: &str = "
INSERT INTO source_polls (source, started, process, kind, outcome, ended, polls, states, changed, bad_rows, seconds,
    credits_left, interval, next_poll_at, area)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (source, started, process) DO NOTHING";

const EXPIRE: &str = "DELETE FROM source_polls WHERE (source, started, process) IN (
    SELECT source, started, process FROM source_polls WHERE started < ? ORDER BY started LIMIT ?)";

/// Skips from one source to the next in the primary key.
const SOURCES: &str = "
WITH RECURSIVE found (source) AS (
    SELECT min(source) FROM source_polls
    UNION ALL
    SELECT (SELECT min(source) FROM source_polls WHERE source > found.source) FROM found WHERE source IS NOT NULL
)
SELECT source, (SELECT min(started) FROM source_polls WHERE source_polls.source = found.source) AS since
FROM found WHERE source IS NOT NULL";

const SELECT: &str = "
SELECT source, started, process, kind, outcome, ended, polls, states, changed, bad_rows, seconds, credits_left, interval,
    next_poll_at, area
FROM source_polls
WHERE source = ? AND (started, process) > (?, ?) AND started < ? AND coalesce(next_poll_at, ended) >= ?
ORDER BY started, process LIMIT ?";

/// Inserts a record. Returns 1, or 0 if it was in the table before.
pub(super) fn insert_poll(connection: &mut SqliteConnection, poll: &PollRecord) -> QueryResult<usize> {
    use diesel::RunQueryDsl as _;
    diesel::sql_query(INSERT)
        .bind::<Text, _>(&poll.source)
        .bind::<BigInt, _>(poll.started.0)
        .bind::<Text, _>(&poll.process)
        .bind::<Text, _>(&poll.kind)
        .bind::<Text, _>(poll.outcome.name())
        .bind::<BigInt, _>(poll.ended.0)
        .bind::<BigInt, _>(i64::from(poll.polls))
        .bind::<BigInt, _>(bigint(poll.states))
        .bind::<BigInt, _>(bigint(poll.changed))
        .bind::<BigInt, _>(bigint(poll.bad_rows))
        .bind::<Double, _>(poll.seconds)
        .bind::<Nullable<BigInt>, _>(poll.credits_left.map(i64::from))
        .bind::<Double, _>(poll.interval)
        .bind::<Nullable<BigInt>, _>(poll.next_poll_at.map(|time| time.0))
        .bind::<Nullable<Text>, _>(poll.area.as_deref())
        .execute(connection)
}

/// Deletes up to `rows` records older than `oldest`. Returns whether there may be more.
pub(super) fn expire_polls(connection: &mut SqliteConnection, oldest: UnixTime, rows: u32) -> QueryResult<bool> {
    use diesel::RunQueryDsl as _;
    let oldest = storable(UnixMillis::from(oldest));
    let delete = diesel::sql_query(EXPIRE).bind::<BigInt, _>(oldest).bind::<BigInt, _>(i64::from(rows));
    let deleted = connection.immediate_transaction(|connection| delete.execute(connection))?;
    Ok(deleted >= rows as usize)
}

impl SqliteDatabase {
    pub(in crate::storage) async fn polled_sources(&self) -> Result<Vec<LedgerSource>, QueryError> {
        use diesel_async::RunQueryDsl as _;
        self.query(async |connection| diesel::sql_query(SOURCES).load::<LedgerSource>(connection).await).await
    }

    pub(in crate::storage) async fn polls(&self, query: &PollQuery) -> Result<Vec<PollRecord>, QueryError> {
        use diesel_async::RunQueryDsl as _;
        let (started, process) = query.first_key();
        let (source, process) = (query.source.clone(), process.to_owned());
        let rows = self
            .query(async |connection| {
                diesel::sql_query(SELECT)
                    .bind::<Text, _>(source)
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
