//! The rows of `source_polls`, in either database.

use actors::coverage::MAX_PLAN;
use actors::domain::{PollOutcome, PollRecord, UnixMillis};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Double, Nullable, Text};

use super::error::QueryError;

/// Selects the records of a source's polls whose plans overlap a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollQuery {
    /// The source.
    pub source: String,
    /// The start of the period.
    pub from: UnixMillis,
    /// The end of the period, exclusive.
    pub to: UnixMillis,
    /// Only records after this one, in the order of `started` and `process`. Used for pagination.
    pub after: Option<(UnixMillis, String)>,
    /// The maximum number of records.
    pub limit: u32,
}

/// A source in `source_polls`.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct LedgerSource {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub source: String,
    #[diesel(sql_type = BigInt)]
    since: i64,
}

impl LedgerSource {
    /// Returns when its oldest record started.
    pub fn since(&self) -> UnixMillis {
        UnixMillis(self.since)
    }
}

impl PollQuery {
    /// The next poll may start a little later than planned without leaving a gap.
    const SLACK: i64 = 10_000;

    /// Returns the key that precedes every matching record.
    pub(super) fn first_key(&self) -> (i64, &str) {
        match &self.after {
            Some((started, process)) => (storable(*started), process),
            None => (storable(self.from.minus(MAX_PLAN)), ""),
        }
    }

    /// Returns the time before which no matching record starts.
    pub(super) fn end(&self) -> i64 {
        storable(self.to)
    }

    /// Returns the time that the plan of every matching record reaches.
    pub(super) fn earliest_plan(&self) -> i64 {
        storable(UnixMillis(self.from.0.saturating_sub(Self::SLACK)))
    }
}

/// Clamps a time to the years that the databases can store.
pub(super) fn storable(time: UnixMillis) -> i64 {
    time.0.clamp(-62_135_596_800_000, 253_402_300_799_999)
}

/// A row of `source_polls`, with times in Unix milliseconds.
#[derive(Debug, QueryableByName)]
pub(super) struct StoredPoll {
    #[diesel(sql_type = Text)]
    source: String,
    #[diesel(sql_type = BigInt)]
    started: i64,
    #[diesel(sql_type = Text)]
    process: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    outcome: String,
    #[diesel(sql_type = BigInt)]
    ended: i64,
    #[diesel(sql_type = BigInt)]
    polls: i64,
    #[diesel(sql_type = BigInt)]
    states: i64,
    #[diesel(sql_type = BigInt)]
    changed: i64,
    #[diesel(sql_type = BigInt)]
    bad_rows: i64,
    #[diesel(sql_type = Double)]
    seconds: f64,
    #[diesel(sql_type = Nullable<BigInt>)]
    credits_left: Option<i64>,
    #[diesel(sql_type = Double)]
    interval: f64,
    #[diesel(sql_type = Nullable<BigInt>)]
    next_poll_at: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    area: Option<String>,
}

impl TryFrom<StoredPoll> for PollRecord {
    type Error = QueryError;

    fn try_from(row: StoredPoll) -> Result<Self, QueryError> {
        let outcome = PollOutcome::parse(&row.outcome)
            .ok_or_else(|| QueryError::Malformed(format!("source_polls: {:?} is not an outcome", row.outcome)))?;
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(Self {
            source: row.source,
            kind: row.kind,
            process: row.process,
            outcome,
            started: UnixMillis(row.started),
            ended: UnixMillis(row.ended),
            polls: u32::try_from(row.polls.max(0)).unwrap_or(u32::MAX),
            states: count(row.states),
            changed: count(row.changed),
            bad_rows: count(row.bad_rows),
            seconds: row.seconds,
            credits_left: row.credits_left.and_then(|credits| u32::try_from(credits).ok()),
            interval: row.interval,
            next_poll_at: row.next_poll_at.map(UnixMillis),
            area: row.area,
        })
    }
}

/// Converts rows to records.
pub(super) fn records(rows: Vec<StoredPoll>) -> Result<Vec<PollRecord>, QueryError> {
    rows.into_iter().map(PollRecord::try_from).collect()
}

/// Converts a count to the databases' integer.
pub(super) fn bigint(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
