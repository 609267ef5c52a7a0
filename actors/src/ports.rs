//! What the actors need from the world; `src/` implements it, tests fake it.
//!
//! An actor lives on one thread, so no future here has to be `Send`. Every implementation bounds its own waits:
//! a call that never answers is an error of the implementation, not of its caller.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use thiserror::Error;
use utoipa::ToSchema;

use crate::batch::{Batch, DeadLetter, LogId, Position, Stored};
use crate::detect::Alert;
use crate::domain::{Icao24, Snapshot, StateVector, UnixTime};

/// A source of state vectors that is polled: the OpenSky Network, for example.
pub trait StateSource: 'static {
    /// Requests the current states once.
    ///
    /// # Errors
    /// Classified by who can act; see [`SourceError`].
    fn fetch(&self) -> LocalBoxFuture<'_, Result<Fetched, SourceError>>;

    /// The longest that [`StateSource::fetch`] may take, by its own timeouts.
    fn max_fetch_time(&self) -> Duration;

    /// When to poll next after the newest successful [`StateSource::fetch`].
    fn cadence(&self) -> Cadence;
}

/// A successful response of a source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fetched {
    /// The states.
    pub snapshot: Snapshot,
    /// What is left of the source's quota, if it has one and reports it.
    pub credits_left: Option<u32>,
}

/// When a source may be polled next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cadence {
    /// The pause after a successful poll.
    pub pause: Duration,
    /// Why the pause is not shorter.
    pub reason: CadenceReason,
    /// The source's data does not change more often, so polling more often is pointless, also after a failure.
    pub resolution: Duration,
}

/// What sets the pause between two polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CadenceReason {
    /// The configured interval.
    Interval,
    /// The source's data does not change more often.
    Resolution,
    /// The source's quota, spread until its refill.
    Quota,
}

/// Why a poll failed, classified by who can act.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SourceError {
    /// The operator: the source rejected the credentials or the request.
    #[error("refused: {0}")]
    Refused(String),
    /// Nobody: wait as long as the source demands.
    #[error("rate limited{}", retry_after.map_or(String::new(), |after| format!(" for {} s", after.as_secs())))]
    RateLimited {
        /// The pause that the source demands, if it says so.
        retry_after: Option<Duration>,
    },
    /// Nobody: the source is down, slow or unreachable, so retry later.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The source, or this program: the response is invalid.
    #[error("malformed answer: {0}")]
    Malformed(String),
}

impl SourceError {
    /// Rewrites the error's text; a rate limit has none.
    #[must_use]
    pub fn map_text(self, rewrite: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Refused(text) => Self::Refused(rewrite(text)),
            Self::Unavailable(text) => Self::Unavailable(rewrite(text)),
            Self::Malformed(text) => Self::Malformed(rewrite(text)),
            limited @ Self::RateLimited { .. } => limited,
        }
    }

    /// The cause in a few words for the public. Addresses and responses are for the operator only.
    pub fn public_reason(&self) -> String {
        match self {
            Self::Refused(_) => "the source refused the request".to_owned(),
            Self::RateLimited { .. } => self.to_string(),
            Self::Unavailable(_) => "the source did not answer or reported an error".to_owned(),
            Self::Malformed(_) => "the answer of the source could not be read".to_owned(),
        }
    }
}

/// Writes to Kafka.
pub trait Publisher: 'static {
    /// Publishes the states, keyed by aircraft, and waits for every delivery report.
    ///
    /// # Errors
    /// Names those that were not acknowledged; the others were.
    fn publish(&self, states: &[Arc<StateVector>]) -> impl Future<Output = Result<(), PublishError>>;

    /// Publishes dead letters and waits for every delivery report.
    ///
    /// # Errors
    /// Names those that were not acknowledged; the others were.
    fn publish_dead_letters(&self, letters: &[DeadLetter]) -> impl Future<Output = Result<(), PublishError>>;

    /// Publishes alerts, keyed by aircraft, and waits for every delivery report.
    ///
    /// # Errors
    /// Names those that were not acknowledged; the others were.
    fn publish_alerts(&self, alerts: &[Alert]) -> impl Future<Output = Result<(), PublishError>>;
}

/// Some messages were not acknowledged by the broker.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{} messages were not acknowledged: {reason}", undelivered.len())]
pub struct PublishError {
    /// Indices into the slice that was to be published, ascending.
    pub undelivered: Vec<usize>,
    /// The first failure's reason.
    pub reason: String,
}

/// Reads from Kafka, as one of a consumer group or every partition on its own.
///
/// `next` and `hold` are cancel safe: what they had gathered stays with the subscription.
pub trait Subscription: 'static {
    /// Waits for the next thing to happen; a batch is handed out as soon as nothing more is at hand, so a trickle is
    /// not delayed and a backlog comes in large batches.
    ///
    /// # Errors
    /// Once for each failure; the subscription itself goes on.
    fn next(&self) -> impl Future<Output = Result<SubscriptionEvent, SubscriptionError>>;

    /// Keeps the membership alive while the caller cannot take batches: pauses the partitions after a moment and polls
    /// on. Resolves only for an assignment, a revocation or an error; the next `next` resumes.
    ///
    /// # Errors
    /// As `next`.
    fn hold(&self) -> impl Future<Output = Result<SubscriptionEvent, SubscriptionError>>;

    /// Starts, or moves, the reading of partitions that were assigned. Those that are no longer owned are left out. Returns
    /// each partition with the offset that it is read from, or 0 where that is its oldest record.
    ///
    /// # Errors
    /// When the client refuses; the caller asks for everything anew by `reset`.
    fn start(&self, starts: &[(i32, StartAt)]) -> impl Future<Output = Result<Vec<(i32, i64)>, SubscriptionError>>;

    /// Drops what was gathered and announces the owned partitions once more as an assignment.
    fn reset(&self);

    /// Tells Kafka how far this group has come: for lag tools only, so a failure is only logged.
    fn commit(&self, next_offsets: &[(i32, i64)]);

    /// The offset after the last record of each owned partition.
    ///
    /// # Errors
    /// When the broker does not answer.
    fn end_offsets(&self) -> impl Future<Output = Result<Vec<(i32, i64)>, SubscriptionError>>;

    /// Leaves the group and ends the reading. Everything after it fails.
    fn close(&self) -> impl Future<Output = ()>;

    /// Which log the offsets belong to.
    fn log(&self) -> LogId;
}

/// What a subscription reports.
#[derive(Clone, Debug, PartialEq)]
pub enum SubscriptionEvent {
    /// These partitions are owned from now on, and not read until `start` is called for them.
    Assigned(Vec<i32>),
    /// These are no longer owned; nothing of them is handed out any more.
    Revoked(Vec<i32>),
    /// Records, in the order of each partition.
    Batch(Batch),
}

/// Where the reading of a partition starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartAt {
    /// At its oldest record.
    Beginning,
    /// Where the database says that storing ended. Before it goes on, the subscription checks that the record before
    /// `next_offset` still has the time stamp it had: if not, the topic was made anew and is read from its beginning.
    Resume {
        /// The offset of the first record that was not stored.
        next_offset: i64,
        /// Milliseconds since 1970 of the record before it.
        last_timestamp: i64,
    },
    /// At the first record that is not older than this.
    Time(UnixTime),
}

/// A failure of the Kafka client.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("Kafka: {0}")]
pub struct SubscriptionError(pub String);

/// State vectors that were recorded in a file, read from its beginning to its end.
pub trait RecordedStates: 'static {
    /// The next records, as many as make a good batch; `None` at the end.
    ///
    /// # Errors
    /// In words, when the file cannot be read on.
    fn next(&mut self) -> impl Future<Output = Result<Option<Recorded>, String>>;
}

/// Consecutive records of a file. A record is a line of it, or a whole response; they are counted from 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    /// The number of the record after the last one.
    pub next: i64,
    /// What is a state vector, each with its record's number, ascending.
    pub states: Vec<(i64, Arc<StateVector>)>,
    /// What is none, ascending.
    pub bad: Vec<BadRecord>,
}

/// A record of a file, or a row of a recorded response, that is no state vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRecord {
    /// The record's number.
    pub record: i64,
    /// Where it is and what is wrong with it, for people.
    pub reason: String,
}

/// Where state vectors are kept.
pub trait StateStore: 'static {
    /// How far the partitions of a log were stored; those without an entry are left out.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn positions(&self, log: &LogId, partitions: &[i32]) -> impl Future<Output = Result<Vec<Position>, StoreError>>;

    /// Stores a batch in one transaction: advances the position of each part whose `expected` is what the table holds,
    /// inserts the rows of those parts, and keeps the first row of each key (icao24, last_contact). A part whose
    /// position was another is left out whole and reported as fenced.
    ///
    /// `likely_new` chooses the faster way for each row, never what is stored.
    ///
    /// # Errors
    /// Nothing was stored, or it is unknown whether it was.
    fn store(&self, batch: &Batch, likely_new: &LikelyNew) -> impl Future<Output = Result<Stored, StoreError>>;

    /// One short step of what the store has to do besides storing, such as deleting what is older than the retention.
    /// It is called between two batches, so it holds them up for as long as it takes: it is to end within seconds.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; the step was undone.
    fn maintain(&self) -> impl Future<Output = Result<Maintained, StoreError>>;

    /// The jobs that the database runs by itself, such as the policies of TimescaleDB; none where it runs none. It is
    /// called beside the batches, so it must not use their connection.
    ///
    /// # Errors
    /// [`StoreError`], when they cannot be read.
    fn jobs(&self) -> impl Future<Output = Result<Vec<StoreJob>, StoreError>> {
        std::future::ready(Ok(Vec::new()))
    }

    /// Drops every connection and what it remembers: the next call starts afresh.
    fn reset(&self);
}

/// A job that the database runs by itself, and how its last runs ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct StoreJob {
    /// What it does: `compression`, `retention` or `refresh`.
    pub policy: String,
    /// The table that it works on.
    pub table: String,
    /// Seconds from one run to the next.
    pub interval: u64,
    /// When it last succeeded, in Unix seconds; `None` if it never has.
    pub last_success: Option<i64>,
    /// Failed runs in all.
    pub failures: u64,
    /// Failed runs since the last success.
    pub consecutive_failures: u64,
    /// The error of the last run, if that failed.
    pub last_error: Option<String>,
}

/// What a step of maintenance did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintained {
    /// Rows deleted because they were older than the retention.
    pub expired: u64,
    /// Whether there is more to do at once.
    pub more: bool,
}

/// For each part of a batch and each of its rows: whether nothing as new was stored for its aircraft before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LikelyNew(pub Vec<Vec<bool>>);

/// Why the database did not store, told apart by who can act.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum StoreError {
    /// Nobody: it is down, slow, full or busy, so try again later.
    #[error("database unavailable: {0}")]
    Unavailable(String),
    /// The operator: the login, a right, the database itself or its schema is not as it has to be. Tried again, less
    /// often.
    #[error("database refused: {0}")]
    Refused(String),
    /// Somebody must look: one row is refused for what it holds, by a constraint or an encoding.
    #[error("the database refuses {icao24} at {last_contact}: {reason}")]
    Rejected {
        /// The row's aircraft.
        icao24: Icao24,
        /// The row's time.
        last_contact: UnixTime,
        /// The database's own words.
        reason: String,
    },
}
